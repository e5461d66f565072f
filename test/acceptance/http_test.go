//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPages walks through a list page by page, as every list can be: after a name, and at most so many.
func TestPages(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "pages")
	admin, app := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-app")
	var want []string
	for i := range 5 {
		name := fmt.Sprintf("key-%d", i)
		want = append(want, name)
		admin.must("POST", "apikeys/my/external/keys/"+name, nil)
		admin.must("POST", "apikeys/my/external/roles/"+name, nil)
		app.must("GET", "apikeys/tenants/"+tenant+"/external/creds/"+name, nil)
	}
	for _, list := range []string{"keys", "roles", "leased"} {
		path := "apikeys/my/external/" + list
		all := names(admin.must("LIST", path, nil))
		if list != "leased" {
			if diff := cmp.Diff(want, all); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", list, diff)
			}
		}
		var got []string
		for after, more := "", true; more; {
			page := admin.must("LIST", path+"?limit=2&after="+after, nil)
			found := names(page)
			if info, _ := page.Data["key_info"].(map[string]any); len(info) != len(found) || len(found) > 2 ||
				len(page.Warnings) != 0 {
				t.Fatalf("%s: %d names, %d described, warnings %v", list, len(found), len(info), page.Warnings)
			}
			got = append(got, found...)
			after, more = page.field("next"), page.Data["next"] != nil
			if more != (len(got) < len(all)) || more && (page.field("total") != "5" || after != got[len(got)-1]) {
				t.Errorf(
					"%s: %d of %d so far, total %v, next %v",
					list,
					len(got),
					len(all),
					page.Data["total"],
					page.Data["next"],
				)
			}
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("%s: page by page (-want +got)\n%s", list, diff)
		}
		if rest := names(admin.must("GET", path+"?list=true&after="+all[3], nil)); len(rest) != 1 || rest[0] != all[4] {
			t.Errorf("%s: after the fourth come %v", list, rest)
		}
		for _, wrong := range []string{"limit=1001", "limit=many", "limit=", "before=key-1"} {
			admin.refused(http.StatusBadRequest, strings.Split(wrong, "=")[0], "LIST", path+"?"+wrong, nil)
		}
		for _, everything := range []string{"limit=0", "limit=-1"} {
			if diff := cmp.Diff(all, names(admin.must("LIST", path+"?"+everything, nil))); diff != "" {
				t.Errorf("%s: %s: (-want +got)\n%s", list, everything, diff)
			}
		}
	}
	spa := shared.caller(t, "spa")
	if got := names(
		spa.must("LIST", "apikeys/admin/tenants?limit=1&after="+tenant[:len(tenant)-1], nil),
	); len(got) != 1 ||
		got[0] < tenant[:len(tenant)-1] {
		t.Errorf("tenants: %v", got)
	}
}

// names returns what a list has listed.
func names(a *answered) []string {
	var all []string
	keys, _ := a.Data["keys"].([]any)
	for _, key := range keys {
		all = append(all, fmt.Sprint(key))
	}
	return all
}

// TestBatch checks that a batch is answered in order, item by item, whoever's the keys are and whatever is wrong with
// one.
func TestBatch(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "batch"), shared.tenant(t, "batch")
	gateway, verifier := shared.caller(t, "gateway"), shared.caller(t, ours+"-verifier")
	app := shared.caller(t, ours+"-app")
	var holders []holder
	for _, tenant := range []string{ours, theirs} {
		admin := shared.caller(t, tenant+"-admin")
		admin.must("POST", "apikeys/my/external/keys/billing", nil)
		holders = append(holders, admin.must("POST", "apikeys/my/external/keys/billing/reveal", nil).holder(t))
	}
	shared.caller(t, ours+"-admin").must("POST", "apikeys/my/external/keys/events", fields{"scheme": "hmac-sha256"})
	signed := app.must("PATCH", "apikeys/my/external/sign/events", fields{"batch": []any{
		fields{
			"message": "one",
		},
		fields{"message_base64": "b25l"},
		fields{"request": "GET /a"},
		"GET /a",
		7,
		fields{"no_such_field": 1},
	}})
	first := signed.field("results.0.signature")
	if first == "" || signed.field("results.1.signature") != first {
		t.Errorf("signed %q and %q", first, signed.field("results.1.signature"))
	}
	for i := range 4 {
		if name := fmt.Sprintf("results.%d.error", i+2); signed.field(name) == "" {
			t.Errorf("no %s", name)
		}
	}

	mine, others := holders[0].call("GET", "/wfo/v1/agents"), holders[1].call("GET", "/wfo/v1/agents")
	batch := []any{
		mine, others, "no head",
		fields{"message": "one", "signature": first},
		fields{"message": "two", "signature": first},
		mine, 7,
		fields{"request": others, "no_such_field": 1},
	}
	for _, test := range []struct {
		who  *caller
		path string
		want string
	}{
		{verifier, "apikeys/my/verify", "valid unknown_key malformed valid bad_signature replayed malformed malformed"},
		{gateway, "apikeys/verify", "replayed valid malformed valid bad_signature replayed malformed malformed"},
	} {
		a := test.who.must("POST", test.path, fields{"batch": batch})
		var got []string
		for i := range batch {
			got = append(got, a.field(fmt.Sprintf("results.%d.verdict", i)))
		}
		if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.path, diff)
		}
		if a.field("results.3.tenant") != ours || a.field("results.1.key_id") != "" && test.who == verifier ||
			a.field("results.6.error") == "" {
			t.Errorf("%s: %v", test.path, a.Data)
		}
	}
}
