//go:build acceptance

package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// ended runs the documented command over the server's audit log, and returns its lines without the times.
func (r *reader) ended(since time.Time) []string {
	r.t.Helper()
	r.stands["2026-11-29T06:00:00"] = since.UTC().Format("2006-01-02T15:04:05")
	r.stands["/var/log/vault/audit.log"] = r.w.AuditFile()
	output, said, err := r.types("nobody", r.filled("export SINCE="))
	if err != nil || said != "" {
		r.t.Fatalf("%v: %s", err, said)
	}
	var lines []string
	for line := range strings.Lines(output) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		lines = append(lines, rest)
	}
	return lines
}

// TestRestore restores a snapshot that was saved as docs/operations.md says, after which what was ended since is good
// again, and ends it anew by the lines that the documented command finds in the audit log.
func TestRestore(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	r := plays(t, "docs/operations.md", w, map[string]string{})
	ours, theirs := w.tenant(t, "restored"), w.tenant(t, "restored")
	root, spa, gateway := w.caller(t, "root"), w.caller(t, "spa"), w.caller(t, "gateway")
	admin, app, viewer := w.caller(t, ours+"-admin"), w.caller(t, ours+"-app"), w.caller(t, ours+"-viewer")
	their := w.caller(t, theirs+"-admin")
	readable(root)

	const keys = "apikeys/my/external/keys/"
	holders := map[string]holder{}
	made := func(by *caller, name string) {
		by.must("POST", keys+name, nil)
		holders[name] = by.must("POST", keys+name+"/reveal", nil).holder(t)
	}
	for _, name := range []string{"before", "revoked", "version", "switched", "gone", "rotated"} {
		made(admin, name)
	}
	made(their, "suspended")
	again := *app // the same app, logged in once more
	token, err := w.Login(t.Context(), app.name)
	if err != nil {
		t.Fatal(err)
	}
	again.token = token
	hashed := map[string]string{} // what the audit log hides, by its hash
	hash := func(plain string) string {
		h := root.must("POST", "sys/audit-hash/file", fields{"input": plain}).field("hash")
		hashed[h] = plain
		return h
	}
	leases := map[string]string{}
	for role, by := range map[string]*caller{
		"byid": app, "byrole": app, "byprefix": app, "bylease": app, "bytoken": &again,
	} {
		admin.must("POST", "apikeys/my/internal/roles/"+role, nil)
		leased := by.must("GET", "apikeys/tenants/"+ours+"/internal/creds/"+role, nil)
		holders[role], leases[role] = leased.holder(t), leased.LeaseID
	}
	accessor := again.must("GET", "auth/token/lookup-self", nil).field("accessor")
	admin.must("POST", keys+"before/revoke", nil)
	time.Sleep(time.Second) // The command's time has whole seconds.

	since := time.Now()
	r.runs("root", "snapshot save")
	end := []struct {
		who          *caller
		method, path string
		sent         fields
		line         string // behind the name and the tenant
	}{
		{admin, "POST", keys + "revoked/revoke", fields{"reason": "found in a log"}, "update {path} - found in a log"},
		{
			admin,
			"POST",
			keys + "version/revoke",
			fields{"key_id": holders["version"].keyID},
			"update {path} " + holders["version"].keyID + " -",
		},
		{admin, "POST", keys + "switched/disable", nil, "update {path} - -"},
		{admin, "DELETE", keys + "gone", nil, "delete {path} - -"},
		{admin, "POST", keys + "rotated/rotate", fields{"overlap": 0}, "update {path} - -"},
		{admin, "POST", "apikeys/my/internal/leased/" + holders["byid"].keyID + "/revoke", nil, "update {path} - -"},
		{admin, "POST", "apikeys/my/internal/roles/byrole/revoke-leased", nil, "update {path} - -"},
		{
			root,
			"PUT",
			"sys/leases/revoke-prefix/apikeys/tenants/" + ours + "/internal/creds/byprefix",
			nil,
			"update {path} - -",
		},
		{
			root,
			"PUT",
			"sys/leases/revoke",
			fields{"lease_id": leases["bylease"]},
			"update {path} " + hash(leases["bylease"]) + " -",
		},
		{
			root,
			"POST",
			"auth/token/revoke-accessor",
			fields{"accessor": accessor},
			"update {path} " + hash(accessor) + " -",
		},
		{spa, "POST", "apikeys/admin/tenants/" + theirs + "/suspend", nil, "update {path} - -"},
	}
	var want []string
	for _, e := range end {
		e.who.must(e.method, e.path, e.sent)
		want = append(want, strings.ReplaceAll(e.line, "{path}", e.path))
	}
	// What has ended nothing is not in the list.
	viewer.refused(403, "", "POST", keys+"revoked/revoke", nil)
	admin.refused(404, "", "POST", keys+"never-there/revoke", nil)
	admin.must("PATCH", keys+"switched", fields{"description": "ours"})

	good := map[string]string{
		"before":    "revoked",
		"revoked":   "valid",
		"version":   "valid",
		"switched":  "valid",
		"gone":      "valid",
		"rotated":   "valid",
		"byid":      "valid",
		"byrole":    "valid",
		"byprefix":  "valid",
		"bylease":   "valid",
		"bytoken":   "valid",
		"suspended": "valid",
	}
	ended := map[string]string{
		"before":    "revoked",
		"revoked":   "revoked",
		"version":   "revoked",
		"switched":  "disabled",
		"gone":      "disabled",
		"rotated":   "expired",
		"byid":      "revoked",
		"byrole":    "revoked",
		"byprefix":  "revoked",
		"bylease":   "revoked",
		"bytoken":   "revoked",
		"suspended": "tenant_suspended",
	}
	judge := func(when string, want map[string]string) {
		t.Helper()
		for name, verdict := range want {
			until(t, when+", "+name, func() error {
				if got := gateway.verdict(holders[name].call("GET", "/wfo/v1/agents")); got != verdict {
					return fmt.Errorf("it is %s, not %s", got, verdict)
				}
				return nil
			})
		}
	}
	judge("before the restore", ended)
	r.shell("root", "vault operator raft snapshot restore apikeys.snap")
	if err := w.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	judge("after the restore", good)

	lines := r.ended(since)
	var got []string
	for _, line := range lines {
		got = append(got, strings.Join(strings.Split(line, "\t")[2:], " "))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("found\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	// Again by what the lines say alone.
	callers := map[string]*caller{
		ours + " my":      admin,
		theirs + " my":    their,
		"- sys":           root,
		"- auth":          root,
		theirs + " admin": spa,
	}
	for _, line := range lines {
		f := strings.Split(line, "\t")
		sent := fields{}
		for i, name := range []string{"key_id", "reason"} {
			if f[4+i] != "-" {
				sent[name] = f[4+i]
			}
		}
		if plain, ok := hashed[f[4]]; ok {
			sent = fields{"lease_id": plain}
			if f[3] == "auth/token/revoke-accessor" {
				sent = fields{"accessor": plain}
			}
		}
		if strings.HasSuffix(f[3], "/rotate") {
			sent["overlap"] = 0
		}
		of, _, _ := strings.Cut(strings.TrimPrefix(f[3], "apikeys/"), "/")
		who := callers[f[1]+" "+of]
		if who == nil {
			t.Fatalf("the line does not say whose it is: %s", line)
		}
		if f[2] == "delete" {
			who.must("DELETE", f[3], nil)
		} else {
			who.must("POST", f[3], sent)
		}
	}
	judge("once it was ended anew", ended)
}

// readable tunes the mount as docs/install.md says, so that the audit log shows what may be seen.
func readable(root *caller) {
	root.t.Helper()
	root.must("POST", "sys/mounts/apikeys/tune", fields{
		"audit_non_hmac_request_keys": []string{"reason", "key_id", "current_key_id"},
		"audit_non_hmac_response_keys": []string{
			"tenant",
			"kind",
			"name",
			"role",
			"key_id",
			"current_key_id",
			"state",
			"verdict",
		},
	})
}
