package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/signing"
)

const (
	snippetKey   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	snippetKeyID = "tEsTkId1"
)

// snippet returns the fenced block of a language in the guide for integrators that has a text in it.
func snippet(t *testing.T, language, with string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(read(t, root+"docs/integrators.md"), -1) {
		if strings.Contains(block[1], with) {
			return block[1]
		}
	}
	t.Fatalf("no %s has %q in it", language, with)
	return ""
}

// runs runs a script with its defaults, and returns what it prints.
func runs(t *testing.T, program, flag, script string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing, which a documented snippet needs: apt-get install -y %[1]s", program)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{flag, script}, args...)...) // #nosec G204 -- our own
	cmd.Env = append(cmd.Environ(), "KEY="+snippetKey, "KEY_ID="+snippetKeyID, "HOST="+snippetHost)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

// snippetHost is how a caller may write it: clients send it so, and what is signed is in lower case and without the port.
const snippetHost = "API.Example:443"

// TestSnippetsSign has the snippets for the default scheme sign calls, with their defaults, and verifies these.
func TestSnippetsSign(t *testing.T) {
	t.Parallel()
	const body = `{"hello": "world"}`
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	shell, python := snippet(t, "bash", "rfc9421()"), snippet(t, "python", "def rfc9421(")
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing, which the shell's snippet needs: apt-get install -y openssl")
	}
	for _, row := range []struct{ method, target, body string }{
		{"GET", "/wfo/agents", ""}, {"GET", "/wfo/agents?page=2", ""}, {"GET", "/wfo/agents?", ""}, {"GET", "/caf%C3%A9?q=%20", ""}, {"POST", "/wfo/agents?a=b", body},
	} {
		given := ""
		if row.body != "" {
			given = file
		}
		told := runs(t, "bash", "-c", shell+`rfc9421 "$@"`, "rfc9421", row.method, row.target, given)
		signedBy(t, "shell", row.method, row.target, row.body, told)

		const prints = "\nimport os, sys\nfor name, value in rfc9421(os.environ['KEY_ID'], os.environ['KEY'], sys.argv[1], os.environ['HOST'], sys.argv[2], sys.argv[3].encode()).items():\n    print(name + ': ' + value)\n"
		told = runs(t, "python3", "-c", python+prints, row.method, row.target, row.body)
		signedBy(t, "Python", row.method, row.target, row.body, told)
	}
}

// signedBy verifies a call with the headers that a snippet has printed.
func signedBy(t *testing.T, language, method, target, body, headers string) {
	t.Helper()
	head := method + " " + target + " HTTP/1.1\nHost: " + snippetHost + "\n" + strings.TrimSpace(headers)
	parsed, err := signing.ParseHead([]byte(head))
	if err != nil {
		t.Fatalf("%s: %v: %s", language, err, head)
	}
	call, err := signing.ParseCall(parsed)
	if err != nil {
		t.Fatalf("%s: %v: %s", language, err, head)
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	digest := ""
	if body != "" {
		digest = signing.DigestBody([]byte(body))
	}
	if !call.SignedBy(key) || call.ContentDigest != digest {
		t.Errorf("%s: not signed: %s", language, head)
	}
}
