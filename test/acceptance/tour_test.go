//go:build acceptance

package acceptance

import (
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// TestTour takes the tour that `make dev` takes, and tries what that proposes afterwards, on the server of the other
// tests.
func TestTour(t *testing.T) {
	t.Parallel()
	steps := append(tour.Steps(), tour.Next()...)
	shared.know(append(tour.Staff("acme"), tour.Staff("globex")...))
	tokens := map[string]string{}
	for _, step := range steps {
		if step.Who == "integrator" { // Who is nobody to the server.
			continue
		}
		token, err := shared.token(t.Context(), step.Who)
		if err != nil {
			t.Fatal(err)
		}
		tokens[step.Who] = token
	}
	var out strings.Builder
	walk := &tour.Tour{Server: shared.Server, Sign: shared.bin + "/sign", Tokens: tokens, Out: &out}
	if err := walk.Run(t.Context(), steps); err != nil {
		t.Errorf("%s\n%v", out.String(), err)
	}
	fits(t, out.String())
	if told := strings.Count(out.String(), "-format=yaml"); told != 1 {
		t.Errorf("how to see all of an answer is told %d times", told)
	}
	if strings.Contains(out.String(), "<nil>") {
		t.Error("fields are shown that nobody has set")
	}
}
