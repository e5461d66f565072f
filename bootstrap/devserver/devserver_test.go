package devserver

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// binary makes an executable file in dir, and returns its path.
func binary(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	both, one, none := t.TempDir(), t.TempDir(), t.TempDir()
	vault, bao := binary(t, both, "vault"), binary(t, one, "bao")
	binary(t, both, "bao")
	built, given := binary(t, none, "built"), binary(t, none, "given")

	for _, test := range []struct {
		name, path, vaultBin, baoBin, built string
		want                                string
		err                                 error
	}{
		{"VAULT_BIN first", both, given, bao, built, given, nil},
		{"BAO_BIN next", both, "", given, built, given, nil},
		{"a name is looked up", both, "vault", "", built, vault, nil},
		{"what is named must be there", both, filepath.Join(none, "gone"), "", built, "", fs.ErrNotExist},
		{"vault on PATH before bao", both, "", "", built, vault, nil},
		{"bao on PATH before the built one", one, "", "", built, bao, nil},
		{"the built one", none, "", "", built, built, nil},
		{"nothing", none, "", "", filepath.Join(none, "gone"), "", ErrNoServer},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			t.Setenv("VAULT_BIN", test.vaultBin)
			t.Setenv("BAO_BIN", test.baoBin)
			got, err := Find(test.built)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address, ok := taken.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	if _, err := Start(t.Context(), Options{Bin: "none", Port: address.Port}); !errors.Is(err, ErrPortTaken) {
		t.Errorf("got %v, want %v", err, ErrPortTaken)
	}
}

// TestSteadyPort checks that a port of our choice is none that the system may give to somebody's outgoing connection.
func TestSteadyPort(t *testing.T) {
	address, err := listenAddress(0)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 20000 || n >= 32000 {
		t.Errorf("got %s, %v", address, err)
	}
}

// TestClusterEnds checks that a cluster that cannot run leaves nothing behind.
func TestClusterEnds(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	bin := filepath.Join(t.TempDir(), "vault")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := StartCluster(t.Context(), bin, 3); err == nil {
		t.Error("it runs")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestServerEnds checks that a server that cannot run is an error with its last words, and leaves nothing behind.
func TestServerEnds(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	bin := filepath.Join(t.TempDir(), "vault")
	script := "#!/bin/sh\necho no such storage >&2\nexit 1\n"
	if err := os.WriteFile(bin, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Bin: bin})
	if err == nil || !strings.Contains(err.Error(), "no such storage") {
		t.Errorf("got %v, want the server's last words", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestNoPolicies checks that a script that makes none, or refuses to, is not taken for one that has.
func TestNoPolicies(t *testing.T) {
	none := binary(t, t.TempDir(), "none")
	if err := (&Server{}).LoadPolicies(t.Context(), none, "apikeys", "apikeys-"); !errors.Is(err, ErrNoPolicies) {
		t.Errorf("got %v, want %v", err, ErrNoPolicies)
	}
	err := (&Server{}).LoadPolicies(t.Context(), "../../scripts/policies.sh", "sys", "apikeys-")
	if err == nil || !strings.Contains(err.Error(), "'sys' is the server's own") {
		t.Errorf("got %v, want what the script says", err)
	}
}

// TestEnv checks that commands are not led astray by what the environment says of other servers.
func TestEnv(t *testing.T) {
	for _, name := range []string{"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "BAO_ADDR"} {
		t.Setenv(name, "elsewhere")
	}
	t.Setenv("KEPT", "kept")
	env := (&Server{Addr: "http://127.0.0.1:1", Dir: "/home"}).Env("t")
	for _, entry := range env {
		if strings.Contains(entry, "elsewhere") {
			t.Errorf("has %s", entry)
		}
	}
	for _, want := range []string{"KEPT=kept", "VAULT_ADDR=http://127.0.0.1:1", "VAULT_TOKEN=t", "HOME=/home"} {
		if !slices.Contains(env, want) {
			t.Errorf("lacks %s", want)
		}
	}
}
