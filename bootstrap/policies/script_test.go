package policies_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// script runs the script, and returns what it prints on each side. No server of the environment's is ever asked.
func script(t *testing.T, cli string, args ...string) (out, errs string, ok bool) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "../../scripts/policies.sh", args...)
	cmd.Env = append(os.Environ(), "VAULT_BIN="+cli, "BAO_BIN=", "VAULT_ADDR=http://127.0.0.1:1", "VAULT_TOKEN=none")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), err == nil
}

// TestScriptRefuses checks that what could become another path, another policy or a shell's word is refused, with what
// to do.
func TestScriptRefuses(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"-m|", "is no path of a mount"},
		{"-m|/apikeys", "is no path of a mount"},
		{"-m|team//apikeys", "is no path of a mount"},
		{"-m|team/apikeys//", "is no path of a mount"},
		{"-m|../sys", "is no path of a mount"},
		{"-m|team/../sys", "is no path of a mount"},
		{"-m|+", "is no path of a mount"},
		{"-m|team/+", "is no path of a mount"},
		{"-m|api*", "is no path of a mount"},
		{"-m|{{identity.entity.id}}", "is no path of a mount"},
		{"-m|a\" {} path \"sys", "is no path of a mount"},
		{"-m|a b", "is no path of a mount"},
		{"-m|a\nb", "is no path of a mount"},
		{"-m|a&b", "is no path of a mount"},
		{"-m|a\\1", "is no path of a mount"},
		{"-m|a|b", "there is no policy 'b'"},
		{"-m|schlüssel", "is no path of a mount"},
		{"-m|sys", "is the server's own"},
		{"-m|sys/policies/acl", "is the server's own"},
		{"-m|auth/token", "is the server's own"},
		{"-m|identity/", "is the server's own"},
		{"-p|", "is no prefix"},
		{"-p|apikeys", "ends in '-'"},
		{"-p|Apikeys-", "is no prefix"}, // The server would write it small.
		{"-p|team/apikeys-", "is no prefix"},
		{"-p|--", "is no prefix"},
		{"-m", "-m needs a value"},
		{"-x", "there is no -x"},
		{"-m|a|-m|b", "-m is given twice"},
		{"-o|/nowhere/at/all", "there is no directory"},
		{"-o|", "name a directory"},
		{"-o|/tmp|-n", "exclude each other"},
		{"-c|tenant", "is no claim"},
		{"-c|", "is no claim"},
		{"-c|auth_jwt_1a2b3c4d:", "is no claim"},
		{"-c|auth_jwt_1a2b3c4d:a.b", "is no claim"},
		{"-c|auth_jwt_1a2b3c4d:a:b", "is no claim"},
		{"-c|auth_jwt_1a2b3c4d:a}}/+/{{b", "is no claim"},
		{"variants/app-by-claim", "needs -c"},
		{"no-such-job", "there is no policy 'no-such-job'"},
		{"../policies/app", "there is no policy"},
		{"app|app", "named twice"},
		{"app.hcl", "there is no policy 'app.hcl'"},
	} {
		args := strings.Split(test.args, "|")
		if !strings.Contains(test.args, "-o") {
			args = append([]string{"-n"}, args...)
		}
		out, errs, ok := script(t, "/nowhere/vault", args...)
		if ok || out != "" || !strings.HasPrefix(errs, "policies: ") || !strings.Contains(errs, test.says) {
			t.Errorf("%q: printed %q and %q", args, out, errs)
		}
	}
}

// TestScriptShows checks that -n shows every policy under its name with nothing but the mount changed, and asks no
// server.
func TestScriptShows(t *testing.T) {
	for _, test := range []struct{ mount, prefix string }{
		{policies.Mount, policies.Prefix}, {"team/eu-1/api_keys.v2", "team-"}, {"x", "x.y_z-"},
	} {
		args := []string{"-n", "-m", test.mount + "/", "-p", test.prefix}
		if test.mount == policies.Mount {
			args = args[:1] // It is what the script does by itself.
		}
		out, errs, ok := script(t, "/nowhere/vault", args...)
		if !ok {
			t.Fatal(errs)
		}
		var want strings.Builder
		for _, name := range names(t) {
			text, err := files.ReadFile(name + ".hcl")
			if err != nil {
				t.Fatal(err)
			}
			rules := strings.ReplaceAll(string(text), "\npath \"apikeys/", "\npath \""+test.mount+"/")
			want.WriteString(
				"vault policy write " + test.prefix + name + " - <<'EOF'\n" +
					"# " + test.prefix + name + " for " + test.mount + "/, written by scripts/policies.sh.\n" +
					rules + "EOF\n",
			)
		}
		if out != want.String() {
			t.Errorf("%s: shows\n%s", test.mount, out)
		}
	}
	if out, errs, ok := script(t, "/nowhere/vault", "-n", "-m", "team", "variants/app-by-group", "monitor"); !ok ||
		!strings.Contains(out, "write apikeys-app-by-group -") ||
		!strings.Contains(out, "path \"team/tenants/+/+/creds/*\"") ||
		strings.Count(out, "vault policy write ") != 2 {
		t.Errorf("two policies by name: %q %q", out, errs)
	}
}

// TestScriptWritesTheClaim checks that the claim that names tenants comes into the policy that needs it.
func TestScriptWritesTheClaim(t *testing.T) {
	out, errs, ok := script(
		t, "/nowhere/vault", "-n", "-m", "team", "-c", "auth_jwt_1a2b3c4d:org_id", "variants/app-by-claim", "monitor",
	)
	const want = "path \"team/tenants/{{identity.entity.aliases.auth_jwt_1a2b3c4d.metadata.org_id}}/+/creds/*\" {\n"
	if !ok || strings.Count(out, want) != 1 || strings.Contains(out, "{{identity.entity.aliases.ACCESSOR") {
		t.Errorf("%q %q", out, errs)
	}
}

// cli stands in for a server's CLI: it keeps policies as files.
const cli = `#!/bin/sh
dir=$(dirname "$0")/there
case "$1 $2" in
"policy list") [ ! -e "$dir/sealed" ] && ls "$dir" ;;
"policy read") cat "$dir/$4" ;;
"policy write") [ "$3" != "$(cat "$dir/../broken" 2>/dev/null)" ] && cat >"$dir/$3" ;;
*) exit 64 ;;
esac
`

// TestScriptWrites checks that all is written, anew too, and that nothing is where a name is another's.
func TestScriptWrites(t *testing.T) {
	dir := t.TempDir()
	vault, there := filepath.Join(dir, "vault"), filepath.Join(dir, "there")
	put := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put(vault, cli)
	if err := os.Mkdir(there, 0o700); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		t.Helper()
		all, err := os.ReadDir(there)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	refused := func(says string, want int, args ...string) {
		t.Helper()
		out, errs, ok := script(t, vault, args...)
		if ok || !strings.Contains(errs, says) || count() != want {
			t.Errorf("%q: printed %q and %q, and there are %d", args, out, errs, count())
		}
	}

	put(filepath.Join(there, "app"), "somebody else's") // It has no prefix, and is no concern of ours.
	put(filepath.Join(there, "team-spa"), "somebody else's")
	refused("team-spa is there, and was not written by this script for apikeys/: nothing was written", 2, "-p", "team-")

	all := len(names(t))
	for range 2 {
		if out, errs, ok := script(t, vault); !ok || count() != 2+all || len(strings.Fields(out)) != all {
			t.Fatalf("wrote %q, %q, and there are %d", out, errs, count())
		}
	}
	refused("apikeys-app is there, and was not written by this script for team/apikeys/", 2+all, "-m", "team/apikeys")
	for name, want := range map[string]string{"app": "somebody else's", "team-spa": "somebody else's"} {
		if got, err := os.ReadFile(filepath.Join(there, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q now, %v", name, got, err)
		}
	}

	put(filepath.Join(dir, "broken"), "other-auditor")
	refused("other-auditor was not written", 3+all, "-p", "other-")
	put(filepath.Join(there, "sealed"), "")
	refused("which policies there are cannot be told", 4+all, "-p", "another-")
}
