package signing

import (
	"strings"
	"testing"
)

// Each byte in each place, among neighbours that could lend it a bit, before others.
func TestFirstControl(t *testing.T) {
	for _, around := range []byte{' ', '!', '~', 0x80, 0xff} {
		for size := range 20 {
			for at := range size {
				for c := range 0x100 {
					b := []byte(strings.Repeat(string([]byte{around}), size))
					b[at] = byte(c)
					want := size
					if c < ' ' || c == 0x7f {
						want = at
						copy(b[at+1:], "\x00\x7f\r\n") // of which nothing is to be seen
					}
					if got := firstControl(string(b)); got != want {
						t.Fatalf("byte %#x at %d of %d: %d, want %d", c, at, size, got, want)
					}
				}
			}
		}
	}
}

func TestCharacters(t *testing.T) {
	for c := range 0x100 {
		s := string([]byte{byte(c)})
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if got, want := isWord(s, 1, 1), letter || s == "-" || s == "_"; got != want {
			t.Errorf("%#x: word = %v", c, got)
		}
		if got, want := tokenChars[c], letter || strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0; got != want {
			t.Errorf("%#x: token = %v", c, got)
		}
	}
}

// A call costs three allocations: a head's text, the head, and the call with
// its message. The pool of a MACKey is left out: the race detector has it drop
// states at random.
func TestParsingAllocatesLittle(t *testing.T) {
	for _, s := range []Scheme{Vrnt1, RFC9421} {
		add, err := SignHead(s, mustParseHead(t, benchHead), "tEsTkId1", testKey, testTime)
		if err != nil {
			t.Fatal(err)
		}
		head := []byte(strings.ReplaceAll(with(benchHead, add), "\r\n", "\n"))
		if n := testing.AllocsPerRun(100, func() {
			h, err := ParseHead(head)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseCall(h); err != nil {
				t.Fatal(err)
			}
		}); n > 3 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}
