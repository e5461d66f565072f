package apikey

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/secret"
)

var scannerPattern = regexp.MustCompile(`'\\b\(?(vak_.*?)\)?\\b'`)

// TestScannerRules checks that the rules which docs/scanners gives to secret scanners find what the engine hands out,
// and nothing in documents that merely speak of it.
func TestScannerRules(t *testing.T) {
	for _, file := range []string{"gitleaks.toml", "trufflehog.yaml"} {
		text, err := os.ReadFile("../../docs/scanners/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := scannerPattern.FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no pattern", file)
		}
		rule := regexp.MustCompile(`\b(` + string(found[1]) + `)\b`)

		all := []string{Credential("zzzzzzzzzzzzzzzz", secret.Random())}
		for _, known := range credentials {
			all = append(all, known.want)
		}
		for n := MinSecret; n <= MaxSecret; n++ {
			all = append(all, Credential(NewKeyID(), sequence(n)))
		}
		for _, credential := range all {
			for _, around := range []string{
				"%", "KEY=%\n", `{"credential":"%","key_id":"a"}`, "https://host/?key=%&a=b", "'%';", "\t%,",
			} {
				if got := rule.FindString(strings.Replace(around, "%", credential, 1)); got != credential {
					t.Errorf("%s: in %q it finds %d of %d characters", file, around, len(got), len(credential))
				}
			}
		}
		for _, other := range []string{
			"vak_<key_id>_<key>_<checksum>", credentials[0].want[:40], "x" + credentials[0].want,
			"vak_" + strings.Repeat("a", 80),
		} {
			if rule.MatchString(other) {
				t.Errorf("%s: finds %q", file, other)
			}
		}
	}
}
