//go:build slowdisk

package slowdisk

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

// subject is what a change is asked for, once.
type subject struct {
	verb   *verb
	change request
	record request // reads what is changed
	keyID  string
	secret []byte

	left              int       // callers who left before there was an answer
	answered          time.Time // zero: never
	verdicts, records []seen
	first             string // contradiction
}

// verb is a kind of change. From its answer on, calls of its subject get the verdict, and the field of its record is as
// shown.
type verb struct {
	name, verdict, field, shown string
	once                        bool // it is refused as a conflict where it was made before
	begin                       func(t *testing.T, w *world, s *subject, tenant, name string)

	counts
}

// shows reports whether the record tells of the change, and what it tells.
func (v *verb) shows(s *subject, record fields) (told string, right bool) {
	told = fmt.Sprint(record[v.field])
	if v.shown == "" { // another than it was
		return told, told != s.keyID
	}
	return told, told == v.shown
}

const external, internal = "apikeys/my/external/", "apikeys/my/internal/"

// ofKey is a change of a key that is made for it.
func ofKey(name, verdict, state, method, suffix string, with fields, before ...string) *verb {
	return &verb{
		name:    name,
		verdict: verdict,
		field:   "state",
		shown:   state,
		begin: func(t *testing.T, w *world, s *subject, tenant, key string) {
			admin, path := tenant+"-admin", external+"keys/"+key
			w.must(t, request{admin, "POST", path, nil})
			s.holder(t, w.must(t, request{admin, "POST", path + "/reveal", nil}))
			for _, first := range before {
				w.must(t, request{admin, "POST", path + "/" + first, nil})
			}
			s.change, s.record = request{admin, method, path + suffix, with}, request{admin, "GET", path, nil}
		},
	}
}

// ofVersion is a change that ends the version that is current, which the field names.
func ofVersion(name, verdict, suffix, field string, with fields) *verb {
	v := ofKey(name, verdict, "", "POST", suffix, nil)
	v.field, v.once = "current_key_id", true
	key := v.begin
	v.begin = func(t *testing.T, w *world, s *subject, tenant, name string) {
		key(t, w, s, tenant, name)
		s.change.fields = fields{field: s.keyID}
		maps.Copy(s.change.fields, with)
	}
	return v
}

func narrow() *verb {
	scopes := []string{"GET /other/**"}
	v := ofKey("narrow scopes", "out_of_scope", fmt.Sprint(scopes), "PATCH", "", fields{"scopes": scopes})
	v.field = "scopes"
	return v
}

// ofTenant is a change of a tenant that is opened for it.
func ofTenant(name, verdict, state string, before ...string) *verb {
	return &verb{
		name:    name,
		verdict: verdict,
		field:   "state",
		shown:   state,
		begin: func(t *testing.T, w *world, s *subject, _, own string) {
			path := "apikeys/admin/tenants/" + own
			w.open(t, own)
			ofKey("", "", "", "", "", nil).begin(t, w, s, own, "key")
			for _, first := range before {
				w.must(t, request{"spa", "POST", path + "/" + first, nil})
			}
			s.change, s.record = request{"spa", "POST", path + "/" + name, nil}, request{"spa", "GET", path, nil}
		},
	}
}

// ofLease is a change that ends a leased key of a role that is made for it.
func ofLease(name string, change func(s *subject, tenant, role, leaseID string) request) *verb {
	return &verb{
		name:    name,
		verdict: "revoked",
		field:   "state",
		shown:   "revoked",
		begin: func(t *testing.T, w *world, s *subject, tenant, role string) {
			admin := tenant + "-admin"
			w.must(t, request{admin, "POST", internal + "roles/" + role, nil})
			told := w.must(
				t,
				request{tenant + "-app", "GET", "apikeys/tenants/" + tenant + "/internal/creds/" + role, nil},
			)
			s.holder(t, told)
			s.change = change(s, tenant, role, fmt.Sprint(told["lease_id"]))
			s.record = request{admin, "GET", internal + "leased/" + s.keyID, nil}
		},
	}
}

func verbs() []*verb {
	return []*verb{
		ofKey("revoke", "revoked", "revoked", "POST", "/revoke", nil),
		ofVersion("revoke a version", "revoked", "/revoke", "key_id", nil),
		ofVersion("rotate at once", "expired", "/rotate", "current_key_id", fields{"overlap": 0}),
		ofKey("disable", "disabled", "disabled", "POST", "/disable", nil),
		ofKey("enable", "valid", "active", "POST", "/enable", nil, "disable"),
		ofKey("delete", "disabled", "deleted", "DELETE", "", nil),
		narrow(),
		ofTenant("suspend", "tenant_suspended", "suspended"),
		ofTenant("resume", "valid", "active", "suspend"),
		ofLease("revoke a leased key", func(s *subject, tenant, _, _ string) request {
			return request{tenant + "-admin", "POST", internal + "leased/" + s.keyID + "/revoke", nil}
		}),
		ofLease("revoke a role's keys", func(_ *subject, tenant, role, _ string) request {
			return request{tenant + "-admin", "POST", internal + "roles/" + role + "/revoke-leased", nil}
		}),
		ofLease("revoke a lease", func(_ *subject, _, _, leaseID string) request {
			return request{"root", "PUT", "sys/leases/revoke", fields{"lease_id": leaseID, "sync": true}}
		}),
	}
}
