//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// many is more than a page may have.
const many = 1200

// run runs the server's own command line as the caller; what it says beside its answer fails the test.
func (c *caller) run(args ...string) string {
	c.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(c.t.Context(), c.w.Bin, args...)
	cmd.Env = []string{"HOME=" + c.t.TempDir(), "VAULT_ADDR=" + c.w.Addr, "VAULT_TOKEN=" + c.token}
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() != 0 {
		c.t.Fatalf("%v: %v: %s", args, err, errs.String())
	}
	if c.w.known(out.Bytes()) {
		c.t.Errorf("%v: holds a secret", args)
	}
	return out.String()
}

// TestListsAreWhole lists the keys of a tenant that has more than anybody would page through, as the command line shows
// them, by filters, and page by page.
func TestListsAreWhole(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "lists")
	shared.caller(t, "spa").must("POST", "apikeys/admin/tenants/"+tenant, fields{"max_keys": many})
	admin := shared.caller(t, tenant+"-admin")
	const path = "apikeys/my/external/keys"
	want := make([]string, many)
	for i := range many {
		want[i] = fmt.Sprintf("key-%04d", i)
		admin.must("POST", path+"/"+want[i], fields{"owner": []string{"even", "odd"}[i%2]})
	}
	equal := func(what string, want, got []string) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", what, diff)
		}
	}
	t.Run("command line", func(t *testing.T) {
		admin := shared.caller(t, tenant+"-admin")
		var got []string
		if err := json.Unmarshal([]byte(admin.run("list", "-format=json", path)), &got); err != nil {
			t.Error(err)
		}
		equal("JSON", want, got)
		equal(
			"YAML",
			want,
			strings.Split(
				strings.ReplaceAll(strings.TrimSpace(admin.run("list", "-format=yaml", path)), "- ", ""),
				"\n",
			),
		)
		lines := strings.Split(strings.TrimSpace(admin.run("list", path)), "\n")
		equal("table", want, lines[2:]) // below a heading
		var detailed answered
		if err := json.Unmarshal([]byte(admin.run("list", "-detailed", "-format=json", path)), &detailed); err != nil {
			t.Error(err)
		}
		info, _ := detailed.Data["key_info"].(map[string]any)
		if equal("with what is told", want, names(&detailed)); len(info) != many || detailed.Data["total"] != nil ||
			detailed.Data["next"] != nil {
			t.Errorf("of %d is told, total %v, next %v", len(info), detailed.Data["total"], detailed.Data["next"])
		}
		if lines := strings.Split(strings.TrimSpace(admin.run("list", "-detailed", path)), "\n"); len(lines) < many ||
			!strings.Contains(lines[0], "current_key_id") {
			t.Errorf("a detailed table of %d lines, headed %s", len(lines), lines[0])
		}
	})
	// list takes no fields on the command line; read does, and list=true makes a list of it.
	t.Run("a page on the command line", func(t *testing.T) {
		admin := shared.caller(t, tenant+"-admin")
		read := func(format string) string {
			return admin.run(
				"read",
				"-format="+format,
				path,
				"list=true",
				"limit=3",
				"after=key-0004",
				"owner=odd",
				"state=active",
			)
		}
		var page answered
		if err := json.Unmarshal([]byte(read("json")), &page); err != nil {
			t.Error(err)
		}
		equal("JSON", []string{"key-0005", "key-0007", "key-0009"}, names(&page))
		if page.Data["total"] != float64(many/2) || page.Data["next"] != "key-0009" {
			t.Errorf("JSON: total %v, next %v", page.Data["total"], page.Data["next"])
		}
		for format, lines := range map[string][]string{
			"yaml": {"next: key-0009", "total: 600"}, "table": {"next key-0009", "total 600"},
		} {
			shown := strings.Join(strings.Fields(read(format)), " ")
			for _, line := range lines {
				if !strings.Contains(shown, line) {
					t.Errorf("%s: no %q in %s", format, line, shown)
				}
			}
		}
	})
	t.Run("filters", func(t *testing.T) {
		admin := shared.caller(t, tenant+"-admin")
		admin.must("POST", path+"/key-0007/disable", nil)
		admin.must("POST", path+"/key-0008/disable", nil)
		list := func(query string) []string { return names(admin.must("LIST", path+query, nil)) }
		equal("disabled", []string{"key-0007", "key-0008"}, list("?state=disabled"))
		equal("disabled and odd", []string{"key-0007"}, list("?state=disabled&owner=odd"))
		if got := list("?owner=even"); len(got) != many/2 || slices.Contains(got, "key-0007") {
			t.Errorf("%d are even", len(got))
		}
		admin.refused(http.StatusNotFound, "", "LIST", path+"?owner=nobody", nil)
		admin.refused(http.StatusBadRequest, "state: must be one of", "LIST", path+"?state=gone", nil)
		admin.refused(http.StatusBadRequest, "owner: must be", "LIST", path+"?owner=odd&owner=even", nil)
		admin.refused(http.StatusBadRequest, "list: this path has no such field", "LIST", path+"?list=true", nil)
	})
	t.Run("pages", func(t *testing.T) {
		admin := shared.caller(t, tenant+"-admin")
		for _, method := range []string{"LIST", "GET"} {
			var got []string
			query := map[string]string{"LIST": "?limit=250", "GET": "?list=true&limit=250"}[method]
			for after := ""; ; {
				page := admin.must(method, path+query+after, nil)
				if got = append(got, names(page)...); page.Data["next"] == nil {
					break
				}
				if page.field("total") != fmt.Sprint(many) {
					t.Errorf("%s: total %v", method, page.Data["total"])
				}
				after = "&after=" + page.field("next")
			}
			equal(method, want, got)
		}
	})
}
