package apikey

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPairs(t *testing.T) {
	for _, m := range []map[string]string{
		nil,
		{"team": "red"},
		{"b": "", "a": "1", "c": "x=y\nz", "ü": "é"},
	} {
		p := PairsOf(m)
		if diff := cmp.Diff(m, p.Map()); diff != "" {
			t.Errorf("(-put +got):\n%s", diff)
		}
		if again := PairsOf(p.Map()); again != p {
			t.Errorf("%q and %q", p, again)
		}
		last := ""
		for name := range p.All() {
			if name <= last {
				t.Errorf("%q after %q", name, last)
			}
			last = name
		}
	}
	for range PairsOf(map[string]string{"a": "1", "b": "2"}).All() {
		break // and yields nothing more
	}
}
