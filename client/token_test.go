package client

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"vault-plugin-secrets-apikeys/client/verify"

	"github.com/hashicorp/vault/api"
)

// tokenServer answers anything, and keeps the token of the last question.
func tokenServer(t *testing.T) (last *http.Header) {
	t.Helper()
	last = new(http.Header)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = r.Header
		_, _ = w.Write([]byte(`{"data": {}}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("VAULT_NAMESPACE", "")
	t.Setenv("HOME", t.TempDir())
	return last
}

// replace writes a file anew, as an agent writes its sink.
func replace(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func TestFromEnvFollowsSink(t *testing.T) {
	last := tokenServer(t)
	t.Setenv("VAULT_TOKEN", "of-the-environment")
	t.Setenv("VAULT_NAMESPACE", "ns1")
	sink := filepath.Join(t.TempDir(), "sink")
	if _, err := FromEnv(sink); err == nil {
		t.Error("a named file that is not there is no error")
	}
	replace(t, sink, "first\n")
	vault, err := FromEnv(sink)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want string) {
		t.Helper()
		if _, err := vault.Logical().ReadWithContext(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if got := last.Get("X-Vault-Token"); got != want || last.Get("X-Vault-Namespace") != "ns1" {
			t.Errorf("token %q, want %q", got, want)
		}
	}
	ask("first")
	ask("first")
	replace(t, sink, "second")
	ask("second")
	replace(t, sink, "") // Being written, or logged out: the last one stays.
	ask("second")
	replace(t, sink, "not\na token")
	ask("second")
	if err := os.Remove(sink); err != nil {
		t.Fatal(err)
	}
	ask("second")
	replace(t, sink, "third")
	ask("third")
	vault.SetToken("own")
	ask("own")
}

// Those who ask with clones of the client have its token too, and those who dial a socket.
func TestFromEnvInClones(t *testing.T) {
	last := tokenServer(t)
	sink := filepath.Join(t.TempDir(), "sink")
	replace(t, sink, "first")
	ask := func(want string, question func(*api.Client)) {
		t.Helper()
		vault, err := FromEnv(sink)
		if err != nil {
			t.Fatal(err)
		}
		question(vault)
		if got := last.Get("X-Vault-Token"); got != want {
			t.Errorf("token %q, want %q", got, want)
		}
	}
	byClone := func(vault *api.Client) {
		v, err := verify.NewVerifier(vault, "apikeys/verify")
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		_, err = v.Verify(t.Context(), verify.Call{Message: "m", Signature: "v1:k:t"})
		if !errors.Is(err, verify.ErrUnknown) {
			t.Error(err) // The server answers nothing of use.
		}
	}
	ask("first", byClone)
	replace(t, sink, "second")
	ask("second", byClone)
	ask("own", func(vault *api.Client) {
		vault.SetToken("own")
		byClone(vault)
	})
	ask("second", func(vault *api.Client) {
		if _, err := vault.WithNamespace("ns1").Logical().ReadWithContext(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	})

	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = r.Header
		_, _ = w.Write([]byte(`{"data": {}}`))
	}))
	server.Listener = listener
	server.Start()
	defer server.Close()
	for _, variable := range []string{"VAULT_ADDR", "VAULT_AGENT_ADDR"} {
		*last = nil
		t.Setenv(variable, "unix://"+socket)
		ask("second", byClone)
		t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	}
}

func TestFromEnvWithoutFile(t *testing.T) {
	last := tokenServer(t)
	ask := func(want string) {
		t.Helper()
		vault, err := FromEnv("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vault.Logical().ReadWithContext(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if got := last.Get("X-Vault-Token"); got != want {
			t.Errorf("token %q, want %q", got, want)
		}
	}
	ask("")
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(home, ".vault-token"), "of-the-home")
	ask("of-the-home")
	t.Setenv("VAULT_TOKEN", "of-the-environment")
	ask("of-the-environment")
	t.Setenv("HOME", "")
	t.Setenv("VAULT_TOKEN", "")
	ask("")
	t.Setenv("VAULT_ADDR", "http://[")
	if _, err := FromEnv(""); err == nil {
		t.Error("an address that is none was taken")
	}
}
