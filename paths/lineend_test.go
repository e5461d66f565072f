package paths_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// A file given with @ ends with a line end, which is none of the value: every setting takes it so.
func TestLineEndsOfSettings(t *testing.T) {
	for _, o := range objects {
		clocked(t, o.name, func(t *testing.T, w *world) {
			verb := logical.Operation(logical.PatchOperation)
			if o.creates {
				verb = logical.UpdateOperation
			}
			got := o.writable(w, o.opened(w).Ask(verb, o.path, ofFiles(o.fields, "\n")))
			other := newWorld(t)
			want := o.writable(other, o.opened(other).Ask(verb, o.path, o.fields))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("with line ends: %v, without: %v", got, want)
			}
		})
	}
}

// ofFiles returns fields as the command line sends them of files that end so.
func ofFiles(f fields, end string) fields {
	of := fields{}
	for name, value := range f {
		var list []any
		switch v := value.(type) {
		case []any:
			for _, one := range v {
				list = append(list, fmt.Sprint(one, end))
			}
		case fields:
			for k, one := range v {
				list = append(list, fmt.Sprint(k, "=", one, end))
			}
		default:
			of[name] = fmt.Sprint(v, end)
			continue
		}
		of[name] = list
	}
	return of
}

// So does every other field. In contents the line end counts: it may be signed.
func TestLineEndsOfFiles(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		clocked(t, fmt.Sprintf("%q", end), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, fields{"scheme": "hmac-sha256"})
			app(acme, nil)
			message := h.Call()["message"].(string)
			encoded := base64.StdEncoding.EncodeToString([]byte(message))
			signature := h.Call()["signature"]
			for _, row := range []struct {
				op     logical.Operation
				path   string
				fields fields
				whole  fields // as they are
			}{
				{
					logical.UpdateOperation, "verify",
					fields{"signature": signature, "client_ip": "192.0.2.1", "replay_check": false},
					fields{"message": message},
				},
				{logical.UpdateOperation, "verify", fields{"signature": signature, "message_base64": encoded}, nil},
				{logical.UpdateOperation, "my/explain", fields{"request_base64": encoded, "body_base64": encoded}, nil},
				{logical.PatchOperation, billing, fields{"cas": 2, "owner": "x"}, nil},
				{
					logical.UpdateOperation, billing + "/reveal",
					fields{"recipient": aRecipient, "request_id": "one"},
					nil,
				},
				{logical.UpdateOperation, billing + "/disable", fields{"key_id": h.KeyID, "reason": "leaked"}, nil},
				{logical.UpdateOperation, billing + "/enable", fields{"key_id": h.KeyID}, nil},
				{
					logical.UpdateOperation, billing + "/expire",
					fields{"reason": "done", "key_id": h.KeyID, "expires_at": stamp(80 * 24 * time.Hour)},
					nil,
				},
				{logical.UpdateOperation, billing + "/expire", fields{"in": "70d"}, nil},
				{
					logical.UpdateOperation, billing + "/extend",
					fields{"reason": "late", "expires_at": stamp(71 * 24 * time.Hour)},
					nil,
				},
				{logical.UpdateOperation, billing + "/rotate", fields{"current_key_id": h.KeyID, "overlap": "1h"}, nil},
				{
					logical.ListOperation, "my/external/keys/",
					fields{"after": "a", "limit": 1, "owner": "x", "state": "active"},
					nil,
				},
				{logical.ListOperation, "my/external/leased/", fields{"role": "app"}, nil},
				{logical.ReadOperation, "my/due", fields{"within": "30d"}, nil},
				{logical.UpdateOperation, "my/external/import", fields{"dry_run": true}, fields{"keys": []any{"x"}}},
				{logical.UpdateOperation, "admin/tenants/acme/suspend", fields{"reason": "unpaid"}, nil},
			} {
				who := acme
				if strings.HasPrefix(row.path, "verify") || strings.HasPrefix(row.path, "admin/") {
					who = w.SPA()
				}
				f := ofFiles(row.fields, end)
				maps.Copy(f, row.whole)
				a := who.Ask(row.op, row.path, f)
				if row.path == "verify" {
					a.Is(fields{"verdict": "valid"})
				}
				if row.op == logical.ListOperation && len(a.Keys()) != 1 {
					t.Errorf("%s lists %v", a.Asked, a.Keys())
				}
			}
			w.SPA().Write("admin/tenants/acme/resume", nil)
			w.Root().
				Write("verify", fields{"message": message + end, "signature": signature}).
				Is(fields{"verdict": "bad_signature"})
		})
	}
}
