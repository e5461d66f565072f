package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/signing"
	"vault-plugin-secrets-apikeys/test/testdoc"
)

const (
	snippetKey   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	snippetKeyID = "tEsTkId1"
	// snippetHost is how a caller may write it: clients send it so, and what is signed is in lower case and without the
	// port.
	snippetHost = "API.Example:443"
)

// secretBytes is what snippetKey stands for.
func secretBytes() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

// runs runs a script with its defaults, and returns what it prints.
func runs(t *testing.T, program, script, input string, args ...string) string {
	t.Helper()
	for _, needed := range []string{program, "openssl"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Fatalf("%s is missing, which a documented snippet needs: apt-get install -y %[1]s", needed)
		}
	}
	cmd := exec.CommandContext(
		t.Context(),
		program,
		append([]string{"-c", script}, args...)...) // #nosec G204 -- our own
	cmd.Env = append(cmd.Environ(), "KEY="+snippetKey, "KEY_ID="+snippetKeyID, "HOST="+snippetHost)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

// inPython has Python work out an expression for each of the rows, with what the snippet defines, and returns the
// texts.
func inPython(t *testing.T, snippet, expression string, rows any) []string {
	t.Helper()
	given, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	told := runs(
		t,
		"python3",
		snippet+"\nimport json, os, sys\nkey_id, key, host = os.environ['KEY_ID'], os.environ['KEY'], "+
			"os.environ['HOST']\n"+
			"print(json.dumps(["+expression+" for row in json.load(sys.stdin)]))\n",
		string(given),
	)
	if err := json.Unmarshal([]byte(told), &texts); err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	return texts
}

// console checks that what is typed after the functions prints what is shown.
func console(t *testing.T, functions string, block testdoc.Block) {
	t.Helper()
	before := functions
	for _, step := range block.Steps() {
		if got := runs(t, "bash", before+step.Command, ""); !testdoc.Prints(step.Prints, got) {
			t.Errorf("%s: %sprints %s", block, step.Command, got)
		}
		before += "{ " + step.Command + "} >/dev/null\n"
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
	digest := ""
	if body != "" {
		digest = signing.DigestBody([]byte(body))
	}
	if !call.SignedBy(secretBytes()) || call.ContentDigest != digest {
		t.Errorf("%s: not signed: %s", language, head)
	}
}

// TestSnippetsSign has the guide's snippets sign calls and messages, with their defaults, and verifies these. What is
// shown to be printed is what they print.
func TestSnippetsSign(t *testing.T) {
	t.Parallel()
	guide := testdoc.Open(t, "docs/integrators.md")
	shell := guide.Next("rfc9421()").Text
	console(t, shell, guide.Next("rfc9421 GET"))
	signsRFC9421(t, shell, guide.Next("def rfc9421(").Text)

	shell = guide.Next("vrnt1()").Text
	console(t, shell, guide.Next("vrnt1 GET"))
	python := guide.Next("def authorization(").Text
	const doctest = "import doctest, sys, types\nmodule = types.ModuleType('snippet')\nexec(sys.argv[1], " +
		"module.__dict__)\n" +
		"runner = doctest.DocTestRunner()\n" +
		"runner.run(doctest.DocTestParser().get_doctest(sys.argv[2], module.__dict__, 'pycon', None, 0))\n" +
		"sys.exit(runner.failures > 0 or runner.tries == 0)\n"
	runs(t, "python3", doctest, "", python, guide.Next(">>> authorization").Text)
	signsVrnt1(t, shell, python)

	shell = guide.Next("tag()").Text
	console(t, shell, guide.Next("| tag"))
	python += "\n\n" + guide.Next("def tag(").Text
	messages := []string{"order 17", "{\"a\": 1}\r\n", ""}
	tags := inPython(t, python, "tag(key_id, key, row.encode())", messages)
	for i, message := range messages {
		want := signing.SignTagged(snippetKeyID, secretBytes(), []byte(message))
		if got := strings.TrimSpace(runs(t, "bash", shell+"tag", message)); got != want {
			t.Errorf("shell: the tag of %q is %s, not %s", message, want, got)
		}
		if tags[i] != want {
			t.Errorf("Python: the tag of %q is %s, not %s", message, want, tags[i])
		}
	}
}

func signsRFC9421(t *testing.T, shell, python string) {
	t.Helper()
	const body = `{"hello": "world"}`
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []struct{ Method, Target, Body string }{
		{"GET", "/wfo/agents", ""},
		{"GET", "/wfo/agents?page=2", ""},
		{"GET", "/wfo/agents?", ""},
		{"GET", "/caf%C3%A9?q=%20", ""},
		{"POST", "/wfo/agents?a=b", body},
	}
	const call = "''.join(f'{n}: {v}\\n' for n, v in rfc9421(key_id, key, row['Method'], host, row['Target'], " +
		"row['Body'].encode()).items())"
	byPython := inPython(t, python, call, rows)
	for i, row := range rows {
		given := ""
		if row.Body != "" {
			given = file
		}
		told := runs(t, "bash", shell+`rfc9421 "$@"`, "", "rfc9421", row.Method, row.Target, given)
		signedBy(t, "shell", row.Method, row.Target, row.Body, told)
		signedBy(t, "Python", row.Method, row.Target, row.Body, byPython[i])
	}
}

func signsVrnt1(t *testing.T, shell, python string) {
	t.Helper()
	rows := []struct {
		Method, Target string
		Headers        []string
	}{
		{"GET", "/wfo/agents?page=2", []string{}},
		{"POST", "/caf%C3%A9", []string{}},
		{"GET", "/", []string{"Verint-Tenant: Blue", "Verint-UserName: Agent7"}},
	}
	const call = "'Authorization: ' + authorization(key_id, key, row['Method'], row['Target'], [h.split(': ') for h " +
		"in row['Headers']])"
	byPython := inPython(t, python, call, rows)
	for i, row := range rows {
		args := append([]string{"vrnt1", row.Method, row.Target}, row.Headers...)
		told := runs(t, "bash", shell+`vrnt1 "$@"`, "", args...)
		signedBy(t, "shell", row.Method, row.Target, "", strings.Join(append(row.Headers, told), "\n"))
		signedBy(t, "Python", row.Method, row.Target, "", strings.Join(append(row.Headers, byPython[i]), "\n"))
	}
}
