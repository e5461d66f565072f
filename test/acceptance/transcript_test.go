//go:build acceptance

package acceptance

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// eventuallyWithin bounds how long a transcript waits for what the server does in its own time.
const eventuallyWithin = 30 * time.Second

// pollEvery leaves the machine to others between two looks.
const pollEvery = 50 * time.Millisecond

func TestTranscripts(t *testing.T) {
	t.Parallel()
	shared.play(t, "testdata/*.txtar")
}

// TestMountTranscripts plays those that change the mount's settings, on a server of their own.
func TestMountTranscripts(t *testing.T) {
	t.Parallel()
	ownWorld(t, false).play(t, "testdata/mount/*.txtar")
}

// play plays transcripts on the server.
func (w *world) play(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files: files, Setup: w.setup, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as": w.as, "answer": answer, "capture": capture, "eventually": w.eventually, "signcall": w.signcall,
			"identity": identity, "unseal": w.unsealed,
		},
	})
}

// setup gives a transcript its tenants, which are named after it.
func (w *world) setup(env *testscript.Env) error {
	script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	for _, letter := range []string{"a", "b"} {
		tenant, err := w.open(context.Background(), script+"-"+letter)
		if err != nil {
			return err
		}
		env.Setenv("TENANT_"+strings.ToUpper(letter), tenant)
	}
	env.Setenv("PATH", w.bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("VAULT_ADDR", w.Addr)
	return nil
}

// as runs a command with the token of somebody.
func (w *world) as(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: as WHO COMMAND [ARG]... [> FILE]")
	}
	w.exec(ts, neg, args[0], args[1:])
}

// signcall signs a call, which needs nobody's token.
func (w *world) signcall(ts *testscript.TestScript, neg bool, args []string) {
	w.exec(ts, neg, "nobody", append([]string{"sign"}, args...))
}

// exec runs a command, whose output is that of the last command or goes to a file.
func (w *world) exec(ts *testscript.TestScript, neg bool, who string, args []string) {
	file := ""
	if last := len(args) - 2; last > 0 && args[last] == ">" {
		args, file = args[:last], args[last+1]
	}
	for _, arg := range args { // What is imported from a file is a secret too.
		if from, ok := strings.CutPrefix(arg, "@"); ok {
			ts.Check(w.guard(ts.ReadFile(from)))
		}
	}
	stdout, stderr, err := w.output(ts, who, args)
	switch {
	case file != "":
		ts.Check(w.guard(stdout))
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(stdout), 0o600))
	case len(secretsOf(stdout)) > 0:
		ts.Fatalf("the answer holds a secret: have it written to a file")
	default:
		_, _ = ts.Stdout().Write([]byte(stdout))
	}
	_, _ = ts.Stderr().Write([]byte(stderr))
	switch {
	case err != nil && !neg:
		ts.Fatalf("%v\n%s", err, stderr)
	case err == nil && neg:
		ts.Fatalf("was not refused")
	}
}

// output runs a command and returns what it printed.
func (w *world) output(ts *testscript.TestScript, who string, args []string) (stdout, stderr string, err error) {
	for letter, tenant := range map[string]string{"a-": "TENANT_A", "b-": "TENANT_B"} {
		if job, ok := strings.CutPrefix(who, letter); ok {
			who = ts.Getenv(tenant) + "-" + job
		}
	}
	token, err := w.token(context.Background(), who)
	ts.Check(err)
	return command(ts, token, args)
}

// fieldsOf returns the fields of an answer. Of one in JSON the lease counts as fields too, as it does in a table.
func fieldsOf(output string) map[string]string {
	fields := tour.Answer(output)
	var lease map[string]json.RawMessage
	if json.Unmarshal([]byte(output), &lease) == nil {
		for _, name := range []string{"lease_id", "lease_duration"} {
			if value, ok := lease[name]; ok {
				fields[name] = strings.Trim(string(value), `"`)
			}
		}
	}
	return fields
}

// answer checks a field of the last answer.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: answer FIELD [VALUE]")
	}
	got, has := fieldsOf(ts.ReadFile("stdout"))[args[0]]
	switch {
	case len(args) == 1 && has == neg:
		ts.Fatalf("has %s: %t", args[0], has)
	case len(args) == 2 && (has && got == args[1]) == neg:
		ts.Fatalf("%s is %q", args[0], got)
	}
}

// capture sets a variable to a field of an answer.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: capture NAME FIELD [FILE]")
	}
	from := append(args, "stdout")[2]
	value := fieldsOf(ts.ReadFile(from))[args[1]]
	if value == "" {
		ts.Fatalf("the answer has no %s", args[1])
	}
	ts.Setenv(args[0], value)
}

// eventually runs a command until its answer is right.
func (w *world) eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 || args[2] != "as" {
		ts.Fatalf("usage: eventually FIELD VALUE as WHO COMMAND [ARG]...")
	}
	deadline := time.Now().Add(eventuallyWithin)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for ; ; <-tick.C {
		stdout, _, err := w.output(ts, args[3], args[4:])
		got := fieldsOf(stdout)[args[0]]
		if err == nil && got == args[1] {
			_, _ = ts.Stdout().Write([]byte(stdout))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s is still %q, %v", args[0], got, err)
		}
	}
}
