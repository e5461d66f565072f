package paths_test

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/secret"
)

// keyStates bring a key into each state of the first table. Where a row is about a
// version, the scene's keyID names it.
var keyStates = map[string]func(s *scene){
	"fresh":                func(s *scene) { s.fresh(nil) },
	"reveal=once":          func(s *scene) { s.unrevealed("once") },
	"reveal=once, taken":   func(s *scene) { s.fresh(fields{"reveal": "once"}) },
	"reveal=never":         func(s *scene) { s.unrevealed("never") },
	"deletion_protected":   func(s *scene) { s.fresh(fields{"deletion_protected": true}) },
	"version current":      func(s *scene) { s.fresh(nil); s.ofVersion() },
	"version overlapping":  func(s *scene) { s.rotated("1d") },
	"version expired":      func(s *scene) { s.rotated("1h"); wait(time.Hour) },
	"version destroyed":    func(s *scene) { s.rotated("0s"); s.destroyed() },
	"current expired":      func(s *scene) { s.fresh(nil); s.ofVersion(); wait(keyLife) },
	"current disabled":     func(s *scene) { s.fresh(nil); s.ofVersion(); s.act("disable") },
	"current revoked":      func(s *scene) { s.fresh(nil); s.ofVersion(); s.act("revoke") },
	"current destroyed":    func(s *scene) { s.fresh(nil); s.ofVersion(); wait(keyLife + retained); s.destroyed() },
	"key disabled":         func(s *scene) { s.fresh(nil); s.act("disable") },
	"key revoked":          func(s *scene) { s.fresh(nil); s.act("revoke") },
	"key deleted":          func(s *scene) { s.fresh(nil); s.acme.Remove(billing) },
	"key deleted, revoked": func(s *scene) { s.fresh(nil); s.acme.Remove(billing); s.act("revoke") },
	"key deleted, 7 days":  func(s *scene) { s.fresh(nil); s.acme.Remove(billing); wait(retained) },
	"key restored":         func(s *scene) { s.fresh(nil); s.acme.Remove(billing); s.act("restore") },
	"key destroyed":        func(s *scene) { s.fresh(nil); erase(s.w, "keys/acme/external/billing") },
	"tenant suspended":     func(s *scene) { s.fresh(nil); s.w.SPA().Write("admin/tenants/acme/suspend", nil) },
	"tenant deleted":       func(s *scene) { s.fresh(nil); s.w.SPA().Remove("admin/tenants/acme") },
}

// leasedStates bring a leased key into each state of the second table.
var leasedStates = map[string]func(s *scene){
	"live":                 func(s *scene) { s.issued() },
	"disabled":             func(s *scene) { s.issued(); s.acme.Write(s.leased()+"/disable", nil) },
	"revoked":              func(s *scene) { s.issued(); s.acme.Write(s.leased()+"/revoke", nil) },
	"revoked by its role":  func(s *scene) { s.issued(); s.acme.Write("my/external/roles/app/revoke-leased", nil) },
	"expired":              func(s *scene) { s.issued(); wait(time.Hour) },
	"lease ended":          func(s *scene) { s.issued(); s.lease.End() },
	"expired, lease ended": func(s *scene) { s.issued(); wait(time.Hour); s.lease.End() },
	"role deleted":         func(s *scene) { s.issued(); s.acme.Remove("my/external/roles/app") },
	"erased":               func(s *scene) { s.issued(); erase(s.w, "leased/acme/external/"+s.h.KeyID) },
	"tenant suspended":     func(s *scene) { s.issued(); s.w.SPA().Write("admin/tenants/acme/suspend", nil) },
	"tenant deleted":       func(s *scene) { s.issued(); s.w.SPA().Remove("admin/tenants/acme") },
}

// fresh makes a key, of reveal=always unless told otherwise, and reveals it.
func (s *scene) fresh(f fields) { s.h = s.acme.Key(billing, f) }

// unrevealed makes a key that nobody has the secret of but the test, out of storage.
func (s *scene) unrevealed(mode string) {
	s.acme.Write(billing, fields{"reveal": mode})
	k := s.w.Record()
	v := k.Newest()
	s.h = holder{W: s.w, KeyID: v.KeyID, Secret: v.Secret.Reveal(), Scheme: k.Scheme}
}

// ofVersion makes the row one about the current version.
func (s *scene) ofVersion() { s.keyID = s.h.KeyID }

// rotated rotates a fresh key; the row is about the older version.
func (s *scene) rotated(overlap string) {
	s.fresh(nil)
	s.ofVersion()
	s.acme.Write(billing+"/rotate", fields{"overlap": overlap})
}

func (s *scene) act(verb string) { s.acme.Write(billing+"/"+verb, s.version("key_id")) }

func (s *scene) issued() { _, s.lease, s.h = app(s.acme, nil) }

// destroyed erases the secret of the version as the sweep does.
func (s *scene) destroyed() {
	k := s.w.Record()
	k.Version(s.keyID).Secret = secret.Bytes{}
	plant(s.w, k)
}
