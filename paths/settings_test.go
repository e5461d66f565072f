package paths_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
)

// object is something with settings, and who writes it.
type object struct {
	name string
	path string
	who  func(w *world) person
	// fields are other than the defaults, each.
	fields  fields
	creates bool // writing it makes it
}

// Two recipients, not in the order of the alphabet: lists stay as they are given.
const (
	someRecipient  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINpqyZ9dBWpEt+8R4R0LtctqMbg7HcmwKom5QOlf9aQ2 billing@example"
	otherRecipient = "age1fvlv8w4a56mgqct2snemap8zz27cuec78wzdwramet35gmqa8e9qu3am82"
)

func acmeAdmin(w *world) person { return w.Someone("acme-admin", "acme") }
func operator(w *world) person  { return w.Root() }
func provider(w *world) person  { return w.SPA() }

var objects = []object{
	{
		"config",
		"config",
		operator,
		fields{
			"internal_default_ttl":         86400,
			"internal_max_ttl":             "100d",
			"internal_default_overlap":     60,
			"internal_default_auto_rotate": true,
			"external_default_ttl":         "30d",
			"external_max_ttl":             "720h",
			"external_default_overlap":     3600,
			"external_default_auto_rotate": true,
			"allow_no_expiry":              true,
			"min_overlap":                  "1h",
			"static_ttl":                   "4m",
			"retention":                    "1d",
			"window_past":                  30,
			"window_future":                30,
			"replay":                       "strict",
			"replay_entries":               5000,
			"replay_entries_total":         9000,
			"cache_entries":                500,
			"tenant_metadata":              "customer",
			"tenant_claims":                []any{"auth_jwt_1a2b3c4d:tenant", "auth_oidc_5e6f7a8b:org"},
			"tenant_binding":               "auto",
			"max_keys":                     7,
			"max_leased":                   8,
			"max_versions":                 3,
			"max_extension":                "2d",
			"force_wrap":                   true,
			"idle_disable_after":           "30d",
			"allow_import_until":           "2036-01-02T03:04:05Z",
			"external_published":           []any{"/wfo/**", "/status", "/api/*"},
			"allow_local_verify":           true,
			"keyring_max_age":              "30s",
			"allow_purge":                  false,
		},
		false,
	},
	{
		"admin tenant",
		"admin/tenants/acme",
		provider,
		fields{
			"display_name":       "Acme",
			"max_keys":           7,
			"max_leased":         8,
			"max_versions":       3,
			"max_ttl":            "10d",
			"window_past":        30,
			"window_future":      30,
			"idle_disable_after": "20d",
			"published":          []any{"/wfo/**", "/status"},
			"allow_local_verify": true,
		},
		true,
	},
	{"tenant", "my", acmeAdmin, fields{
		"max_keys": 7, "max_leased": 8, "max_versions": 3, "max_ttl": "10d", "window_past": 30, "window_future": 30,
		"idle_disable_after": "20d", "published": []any{"/wfo/v2/**", "/wfo/v1/**"}, "allow_local_verify": false,
	}, false},
	{
		"key",
		"my/external/keys/billing",
		acmeAdmin,
		fields{
			"description":        "for invoices",
			"owner":              "finance",
			"metadata":           fields{"a": "1", "b": "2"},
			"scheme":             "hmac-sha256",
			"ttl":                "48h",
			"expires_at":         "2000-01-20T00:00:00Z",
			"auto_rotate":        true,
			"overlap":            "1h",
			"reveal":             "always",
			"replay":             "off",
			"deletion_protected": true,
			"recipients": []any{
				someRecipient,
				otherRecipient,
			},
			"expiry_window":      "Mon-Sun 00:00-23:00 Europe/Berlin",
			"idle_disable_after": "10d",
			"allowed_cidrs":      []any{"192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"},
		},
		true,
	},
	{
		"key with scopes",
		"my/internal/keys/calls",
		acmeAdmin,
		fields{
			"scopes": []any{
				"POST /wfo/v1/*",
				"GET /wfo/**",
				"* /a",
			},
			"user":    "svc-billing",
			"ttl":     86400,
			"overlap": 7200,
			"compat":  []any{"no_nonce"},
		},
		true,
	},
	{
		"role",
		"my/external/roles/app",
		acmeAdmin,
		fields{
			"description":   "for apps",
			"owner":         "platform",
			"scheme":        "hmac-sha256",
			"ttl":           "2h",
			"max_ttl":       "3h",
			"max_leased":    9,
			"replay":        "off",
			"metadata":      fields{"a": "1"},
			"allowed_cidrs": []any{"192.0.2.0/24", "10.0.0.0/8"},
		},
		true,
	},
	{
		"role with scopes",
		"my/internal/roles/calls",
		acmeAdmin,
		fields{
			"owner":  "callers",
			"scopes": []any{"POST /wfo/v1/*", "GET /wfo/**"},
			"user":   "svc-app",
			"ttl":    "30m",
			"compat": []any{"no_nonce"},
		},
		true,
	},
}

// writable returns the part of a read that the path takes back.
func (o object) writable(w *world, read answer) fields {
	w.T.Helper()
	taken := fields{}
	for name, f := range w.Engine.(*backend.Engine).Route(o.path).Fields {
		if v, shown := read.Data[name]; shown && !f.Required { // the parts of the path are
			taken[name] = v
		}
	}
	return taken
}

// Every setting of every object is in the table, so that none is forgotten.
func TestEveryObjectIsWhole(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		named := map[string]map[string]bool{} // by the pattern of a path
		for _, o := range objects {
			pattern := w.Engine.(*backend.Engine).Route(o.path).Pattern
			if named[pattern] == nil {
				named[pattern] = map[string]bool{}
			}
			for name := range o.fields {
				named[pattern][name] = true
			}
		}
		for _, o := range objects {
			route := w.Engine.(*backend.Engine).Route(o.path)
			for name, f := range route.Fields {
				if !f.Required && name != "cas" && !named[route.Pattern][name] {
					t.Errorf("%s: %s is never set: add it to objects", o.name, name)
				}
			}
		}
	})
}

// verbs are how the object is changed: T is only patched.
func (o object) verbs() []logical.Operation {
	if o.name == "tenant" {
		return []logical.Operation{logical.PatchOperation}
	}
	return []logical.Operation{logical.UpdateOperation, logical.PatchOperation}
}

// opened returns who writes the object, in a world where its tenant is open.
func (o object) opened(w *world) person {
	w.Tenant("acme")
	return o.who(w)
}

// What reading shows, written back, changes nothing and writes nothing.
func TestWriteBack(t *testing.T) {
	for _, o := range objects {
		for _, start := range []struct {
			name   string
			fields fields
		}{{"defaults", nil}, {"all set", o.fields}} {
			for _, verb := range o.verbs() {
				clocked(t, o.name+" "+start.name+" "+string(verb), func(t *testing.T, w *world) {
					who := o.opened(w)
					if o.creates {
						who.Write(o.path, start.fields)
					} else {
						who.Ask(logical.PatchOperation, o.path, start.fields)
					}
					shown := who.Read(o.path)
					back := o.writable(w, shown)
					if len(back) < len(o.fields) {
						t.Fatalf("only %d of %d settings are shown", len(back), len(o.fields))
					}
					for name, value := range start.fields {
						if list, ok := value.([]any); ok && !reflect.DeepEqual(back[name], list) {
							t.Errorf("%s: %v, want it in the order given: %v", name, back[name], list)
						}
					}
					var again answer
					if c := w.Cost(func() { again = who.Ask(verb, o.path, back) }); c.Puts != 0 {
						t.Errorf("%d puts", c.Puts)
					}
					if !reflect.DeepEqual(again.Data, shown.Data) ||
						!reflect.DeepEqual(who.Read(o.path).Data, shown.Data) {
						t.Errorf("shown %v, then %v", shown.Data, again.Data)
					}
				})
			}
		}
	}
}

// Each setting can be set alone and leaves the others; null sets its default again.
func TestEachSetting(t *testing.T) {
	needs := map[string]fields{ // what else has to be given
		"external_max_ttl": {"external_default_ttl": "1d"}, "min_overlap": {},
		"auto_rotate": {}, "max_ttl": {}, "ttl": {"overlap": nil},
	}
	for _, o := range objects {
		for name, value := range o.fields {
			if name == "scheme" || name == "expires_at" || o.name == "config" && name == "tenant_metadata" {
				continue // the first two cannot change, the third changes who is who
			}
			clocked(t, o.name+" "+name, func(t *testing.T, w *world) {
				who := o.opened(w)
				if o.creates {
					who.Write(o.path, nil)
				}
				before := o.writable(w, who.Read(o.path))
				change := fields{name: value}
				if o.name == "config" || strings.HasPrefix(o.name, "key") {
					maps.Copy(change, needs[name])
				}
				set := o.writable(w, who.Patch(o.path, change))
				if reflect.DeepEqual(set[name], before[name]) {
					t.Fatalf("%s stays %v", name, before[name])
				}
				for other := range change {
					change[other] = nil
				}
				if after := o.writable(w, who.Patch(o.path, change)); !reflect.DeepEqual(after, before) {
					t.Errorf("null: %v, want %v", after, before)
				}
			})
		}
	}
}
