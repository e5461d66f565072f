package enginetest

import (
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
)

// States returns the states of a key's versions, oldest first.
func (p Person) States(path string) string {
	p.W.T.Helper()
	var all []string
	for _, v := range p.Read(path).Rows("versions") {
		all = append(all, v["state"].(string))
	}
	return strings.Join(all, " ")
}

// Stands checks the states of a key's versions, oldest first.
func (p Person) Stands(path, want string) {
	p.W.T.Helper()
	if got := p.States(path); got != want {
		p.W.T.Errorf("%s: %s, want %s", path, got, want)
	}
}

// Billing is the path of a key.
const Billing = "my/external/keys/billing"

// Current returns who holds the secret of the key's current version.
func (p Person) Current(path string) Holder {
	p.W.T.Helper()
	return p.Write(path+"/reveal", nil).Holder(p.W)
}

// App makes a role and issues a key from it.
func App(acme Person, role Fields) (Answer, *Lease, Holder) {
	acme.W.T.Helper()
	acme.Write("my/external/roles/app", role)
	a := acme.Read("tenants/acme/external/creds/app")
	return a, a.Lease(acme.W), a.Holder(acme.W)
}

// Stamp is the time in a while as answers carry it.
func Stamp(in time.Duration) string { return time.Now().Add(in).UTC().Format(time.RFC3339) }

// Capture finds the parts of a path's pattern that have names.
var Capture = regexp.MustCompile(`\(\?P<([a-z_]+)>\[\^/\]\+\)`)

// Example writes a path with the names filled in.
func Example(p *framework.Path, tenant, kind, key, role, keyID string) string {
	s := Capture.ReplaceAllStringFunc(p.Pattern, func(group string) string {
		name := Capture.FindStringSubmatch(group)[1]
		return map[string]string{"tenant": tenant, "kind": kind, "name": key, "role": role, "key_id": keyID}[name]
	})
	return strings.Trim(strings.ReplaceAll(s, "/?", "/"), "^$")
}

// Recipient is one whose identity nobody has kept.
const Recipient = "age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm"

// HasItem reports whether an event of a key is among what is due.
func HasItem(items []Fields, name, event string) bool {
	for _, i := range items {
		if i["name"] == name && i["event"] == event {
			return true
		}
	}
	return false
}
