package paths_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// What is not there is refused with a 400 or 404 that names it.
func TestUnknownThingsAreNamed(t *testing.T) {
	const id = "0123456789abcdef"
	for _, row := range []struct {
		op     logical.Operation
		path   string
		fields fields
		status int
		about  string
	}{
		{logical.ReadOperation, "my/external/keys/billing", nil, 404, `"billing"`},
		{logical.ReadOperation, "my/external/keys/billing/history", nil, 404, `"billing"`},
		{logical.ReadOperation, "my/external/static-creds/billing", nil, 404, `"billing"`},
		{logical.UpdateOperation, "my/external/sign/billing", fields{"message": "x"}, 404, `"billing"`},
		{logical.UpdateOperation, "my/external/keys/billing/reveal", nil, 404, `"billing"`},
		{logical.UpdateOperation, "my/external/keys/billing/rotate", nil, 404, `"billing"`},
		{logical.UpdateOperation, "my/external/keys/billing/revoke", nil, 404, `"billing"`},
		{logical.UpdateOperation, "my/external/keys/billing/restore", nil, 404, `"billing"`},
		{logical.DeleteOperation, "my/external/keys/billing", nil, 404, `"billing"`},
		{logical.ReadOperation, "my/external/roles/app", nil, 404, `"app"`},
		{logical.DeleteOperation, "my/external/roles/app", nil, 404, `"app"`},
		{logical.UpdateOperation, "my/external/roles/app/revoke-leased", nil, 404, `"app"`},
		{logical.ReadOperation, "tenants/acme/external/creds/app", nil, 404, `"app"`},
		{logical.ReadOperation, "my/external/leased/" + id, nil, 404, id},
		{logical.UpdateOperation, "my/external/leased/" + id + "/revoke", nil, 404, id},
		{logical.ReadOperation, "my/ids/" + id, nil, 404, id},
		{logical.ReadOperation, "my/eternal/keys/billing", nil, 404, "eternal"},
		{logical.ListOperation, "my/eternal/keys/", nil, 404, "eternal"},
		{logical.UpdateOperation, "my/eternal/keys/billing", nil, 404, "eternal"},
		{logical.ReadOperation, "tenants/acme/eternal/creds/app", nil, 404, "eternal"},
		{logical.UpdateOperation, "my/external/keys/Billing", nil, 400, "Billing"},
		{logical.UpdateOperation, "my/external/keys/a..b", nil, 400, "a..b"},
		{logical.UpdateOperation, "my/external/keys/-a", nil, 400, "name"},
		{logical.UpdateOperation, "my/external/roles/App", nil, 400, "role"},
		{logical.ReadOperation, "my/ids/sh-rt", nil, 400, "key_id"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"scheme": "md5"}, 400, "scheme"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"reveal": "twice"}, 400, "reveal"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"replay": true}, 400, "replay"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"ttl": "soon"}, 400, "ttl"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"ttl": 1.5}, 400, "ttl"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"ttl": 0}, 400, "ttl"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"ttl": "366d"}, 400, "external_max_ttl"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"expires_at": "soon"}, 400, "expires_at"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"expires_at": 1.5}, 400, "expires_at"},
		{
			logical.UpdateOperation, "my/external/keys/billing",
			fields{"expires_at": "1999-12-31T23:59:59Z"},
			400,
			"expires_at",
		},
		{
			logical.UpdateOperation, "my/external/keys/billing",
			fields{"expires_at": "2001-01-01T00:00:00Z"}, // a year and a day after the bubble's begin
			400,
			"external_max_ttl",
		},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"overlap": "46d"}, 400, "overlap"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"ttl": "10h", "overlap": "6h"}, 400, "overlap"},
		{
			logical.UpdateOperation, "my/external/keys/billing",
			fields{"auto_rotate": true, "overlap": "9m"},
			400,
			"min_overlap",
		},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"auto_rotate": "maybe"}, 400, "auto_rotate"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"description": "a\x00b"}, 400, "description"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"owner": strings.Repeat("x", 257)}, 400, "owner"},
		{logical.UpdateOperation, "my/external/keys/billing", fields{"scop": "x"}, 400, "scop"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"ttl": "2h", "max_ttl": "1h"}, 400, "max_ttl"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"max_ttl": "366d"}, 400, "external_max_ttl"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"reveal": "once"}, 400, "reveal"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"max_leased": 0}, 400, "max_leased: must be"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"max_leased": 1.5}, 400, "max_leased: must be"},
		{logical.UpdateOperation, "my/external/roles/app", fields{"max_leased": "many"}, 400, "max_leased: must be"},
	} {
		clocked(t, fmt.Sprint(row.op, " ", row.path, " ", row.fields), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			c := w.Cost(func() { acme.Refused(row.status, row.about).Ask(row.op, row.path, row.fields) })
			if c.Puts != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		for name, bad := range map[string]any{
			"internal_default_ttl": 0, "external_default_ttl": "366d", "internal_max_ttl": 0,
			"external_max_ttl": "101y", "internal_default_overlap": "721h", "min_overlap": 0, "retention": "59s",
			"window_past": 4, "window_future": 901, "replay": "off", "replay_entries": 999, "replay_entries_total": 999,
			"cache_entries": 99, "tenant_metadata": "a\nb", "tenant_binding": "none",
			"max_keys": 0, "max_leased": 1.5, "max_versions": 21, "allow_import_until": "9999-12-31T23:59:59-01:00",
			"allow_no_expiry": "perhaps", "external_default_auto_rotate": 1,
			"tenant_claims": []any{"auth_jwt_1a2b3c4d"},
		} {
			w.Root().Refused(400, name).Write("config", fields{name: bad})
		}
		w.Root().Read("config").Is(fields{"revision": 0})
	})
}

// A field that a path does not have is refused, never stored without effect.
func TestStrangeFieldsAreRefused(t *testing.T) {
	for _, row := range []struct {
		path   string
		who    func(w *world) person
		fields map[string]any
	}{
		{"my/external/keys/billing/rotate", acmeAdmin, map[string]any{"recipient": "age1x"}},
		{"config", operator, map[string]any{
			"internal_published": []any{"/**"}, "standby_verify": true,
		}},
	} {
		for name, value := range row.fields {
			clocked(t, row.path+" "+name, func(t *testing.T, w *world) {
				w.Tenant("acme").Write("my/external/keys/billing", nil)
				who := row.who(w)
				for _, v := range []any{value, nil} { // an empty one would be lost as well
					c := w.Cost(func() { who.Refused(400, name).Write(row.path, fields{name: v}) })
					if c.Puts != 0 {
						t.Errorf("%+v", c)
					}
				}
			})
		}
	}
}
