//go:build acceptance

package acceptance

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// TestSecurityCommands demands wrapping by the policy that docs/security.md shows, and checks an installation as it
// says.
func TestSecurityCommands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	r := plays(t, "docs/security.md", w, nil)
	if _, err := w.openNamed(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	const billing = "apikeys/my/external/keys/billing"
	w.caller(t, "acme-admin").must("POST", billing, fields{"reveal": "always"})
	wraps := w.caller(t, w.granted(t, "wraps", "acme", r.filled("min_wrapping_ttl")))
	wraps.refused(http.StatusForbidden, "", "POST", billing+"/reveal", nil)
	reveal := "vault write -f -wrap-ttl=%s " + billing + "/reveal"
	for ttl, let := range map[string]bool{"30s": false, "1m": true, "1h": true, "61m": false} {
		if _, said, err := r.types("wraps", strings.ReplaceAll(reveal, "%s", ttl)); (err == nil) != let {
			t.Errorf("wrapped for %s: %v %s", ttl, err, said)
		}
	}

	r.shell("nobody", "TOKEN="+w.caller(t, "spa").token)
	lines := strings.Split(strings.TrimSpace(r.runs("root", "vault token capabilities")), "\n")
	for _, line := range lines {
		if !strings.HasSuffix(line, ": deny") {
			t.Errorf("the SPA: %s", line)
		}
	}
	if len(lines) < 11 {
		t.Errorf("only %d paths are looked at", len(lines))
	}
	if _, said, err := r.types("root", r.filled("vault list")); err == nil || !strings.Contains(said, "Code: 403") {
		t.Errorf("root is not refused: %v %s", err, said)
	}
}

// TestSeparationReport runs the command that tests the separation as docs/security.md does, and holds its report
// against the one that is shown, but for what is another each time.
func TestSeparationReport(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	r := plays(t, "docs/security.md", w, map[string]string{})
	file, err := builtIsolation() // as by make isolation
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"acme", "globex"} {
		if _, err := w.openNamed(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	r.shell("nobody", "mkdir build && ln -s "+file+" build/isolation")
	w.granted(
		t,
		"wide-spa",
		"",
		"path \"apikeys/*\" { capabilities = [\"create\", \"read\", \"update\", \"patch\", \"delete\", \"list\"] }\n"+
			"path \"sys/leases/*\" { capabilities = [\"sudo\", \"read\", \"update\", \"list\"] }",
	)
	tokens := func(file, people string) {
		t.Helper()
		var lines []string
		for name := range strings.FieldsSeq(people) {
			lines = append(lines, w.caller(t, name).token)
		}
		r.writes(file, strings.Join(lines, "\n"))
	}
	tokens("spa", "spa")
	tokens("acme", staff("acme"))
	tokens("globex", "globex-admin")
	tokens("operator", "operator")

	steps := r.Next("build/isolation").Steps()
	command := steps[1].Command
	if got := r.shell("nobody", command); !testdoc.Prints(masked(steps[1].Prints), masked(got)) {
		t.Errorf("prints\n%sand not\n%s", masked(got), masked(steps[1].Prints))
	}
	tokens("spa", "wide-spa")
	tokens("acme", "acme-admin") // What the tenants' apps may is not what is looked at here.
	got, said, err := r.types("nobody", command)
	if err == nil {
		t.Errorf("found no hole: %s", said)
	}
	if shown := r.Next("HOLE").Text; !testdoc.Prints("…\n"+masked(shown), masked(got)) {
		t.Errorf("prints\n%sand not\n%s", masked(got), masked(shown))
	}
}

var (
	notShown = regexp.MustCompile(`(accessor|vault-plugin-secrets-apikeys_)\s?[0-9A-Za-z]+`)
	moment   = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z`)
	server   = regexp.MustCompile(`(?m)^server .*$`)
)

// masked is a report without what is another each time.
func masked(report string) string {
	report = notShown.ReplaceAllString(report, "$1 ID")
	return server.ReplaceAllString(moment.ReplaceAllString(report, "TIME"), "server")
}
