package backend_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
)

// Vault's catalogue calls Factory with nothing, to learn type and version.
func TestFactoryOfTheCatalogue(t *testing.T) {
	for name, conf := range map[string]*logical.BackendConfig{
		"empty": {}, "settings": {Config: map[string]string{"plugin_name": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := backend.Factory(t.Context(), conf)
			if err != nil {
				t.Fatal(err)
			}
			if b.Type() != logical.TypeLogical {
				t.Errorf("type %s", b.Type())
			}
			if v := b.(logical.PluginVersioner).PluginVersion().Version; v != backend.Version ||
				!strings.HasPrefix(v, "v") {
				t.Errorf("version %q", v)
			}
			b.InvalidateKey(t.Context(), "keys/acme/external/billing")
			_, err = b.HandleRequest(
				t.Context(),
				&logical.Request{Operation: logical.ReadOperation, Path: "config", Storage: new(storage)},
			)
			if err == nil {
				t.Error("it answers without a server")
			}
			b.Cleanup(t.Context())
		})
	}
}

// Mounting costs no call into Vault and no operation of storage: while a mount is set up,
// Vault refuses them.
func TestFactoryAllocatesAndNothingElse(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		c := w.Cost(func() { w.SetUp() })
		c.AtMost(t, "mounting", cost{}, 0)
	})
}

// Once it may, a node that may write marks that it collects uses; another one does nothing.
func TestInitializing(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		begin := func() {
			w.Must(w.SetUp().Initialize(context.Background(), &logical.InitializationRequest{Storage: w.Storage}))
		}
		w.Cost(begin).AtMost(t, "a node that may write", cost{Gets: 1, Lists: 1, Puts: 1}, 3)
		w.Vault.Change(func(v *vault) { v.State = consts.ReplicationPerformanceStandby })
		w.Cost(begin).AtMost(t, "one that may not", cost{}, 3)
		w.Vault.Change(func(v *vault) { v.State = 0 })
		w.Storage.Hooks(func(string, string) error { return errStorage }, nil)
		begin() // it serves all the same
	})
}

func TestReplicationStateIsAskedOnceInASecond(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		wait(time.Second)
		c := w.Cost(func() {
			for range 10 {
				w.Root().Read("config")
				wait(100 * time.Millisecond)
			}
		})
		if n := c.Callbacks["ReplicationState"]; n != 1 {
			t.Errorf("asked %d times in a second", n)
		}
		w.Vault.Change(func(v *vault) { v.State = consts.ReplicationPerformanceStandby })
		wait(time.Second)
		w.Root().Refused(500, logical.ErrReadOnly.Error()).Read("config")
	})
}

// The OpenAPI document, which the user interface and client generators read, has it all.
func TestOpenAPI(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		help, err := w.Handle(&logical.Request{Operation: logical.HelpOperation, Path: ""})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(help.Data["help"].(string), "apikeys engine") {
			t.Errorf("help: %s", help.Data["help"])
		}
		var doc struct {
			Paths map[string]map[string]any
		}
		raw, err := json.Marshal(help.Data["openapi"])
		w.Must(err)
		w.Must(json.Unmarshal(raw, &doc))
		if len(doc.Paths) < len(w.Paths()) {
			t.Errorf("%d paths in the document, %d in the engine", len(doc.Paths), len(w.Paths()))
		}
		for _, path := range []string{
			"/verify", "/my/verify", "/tenants/{tenant}/{kind}/keys/{name}/rotate", "/admin/tenants/{tenant}",
		} {
			if doc.Paths[path] == nil {
				t.Errorf("%s is not in the document", path)
			}
		}
	})
}

// The patterns of all paths are apart, and each names what it captures among its fields.
func TestCapturesAreFields(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		for _, p := range w.Paths() {
			for _, m := range capture.FindAllStringSubmatch(p.Pattern, -1) {
				if f := p.Fields[m[1]]; f == nil || f.Type != framework.TypeString || !f.Required {
					t.Errorf("%s: %s is not declared", p.Pattern, m[1])
				}
			}
		}
	})
}
