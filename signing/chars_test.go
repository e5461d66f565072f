package signing

import (
	"strings"
	"testing"
)

// Each byte in each place, among neighbours that could lend it a bit, before others.
func TestFirst(t *testing.T) {
	for _, search := range []struct {
		find func(string) int
		is   func(c byte) bool
		rest string // of which nothing is to be seen
	}{
		{firstControl, func(c byte) bool { return c < ' ' || c == 0x7f }, "\x00\x7f\r\n"},
		{firstNotTarget, func(c byte) bool { return c <= ' ' || c >= 0x7f || c == '#' }, " #\x00\x7f\x80\xff"},
		{
			func(s string) int { return span(s, tokenChars) },
			func(c byte) bool { return classesOf[c]&tokenChars == 0 }, " :\x00\xff",
		},
	} {
		for _, around := range []byte{' ', '!', '"', '$', '~', 0x80, 0xff} {
			if search.is(around) {
				continue
			}
			for size := range 20 {
				for at := range size {
					for c := range 0x100 {
						b := []byte(strings.Repeat(string([]byte{around}), size))
						b[at] = byte(c)
						want := size
						if search.is(byte(c)) {
							want = at
							copy(b[at+1:], search.rest)
						}
						if got := search.find(string(b)); got != want {
							t.Fatalf("byte %#x at %d of %q: %d, want %d", c, at, b, got, want)
						}
					}
				}
			}
		}
	}
}

func TestCharacters(t *testing.T) {
	for i := range 0x100 {
		c := byte(i)
		in := func(set string) bool { return strings.IndexByte(set, c) >= 0 }
		small, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		letter := small || 'A' <= c && c <= 'Z' || digit
		for class, want := range map[charClass]bool{
			wordChars:      letter || in("-_"),
			tokenChars:     letter || in("!#$%&'*+-.^_`|~"),
			lowerChars:     small || digit || in("!#$%&'*+-.^_`|~"),
			keyChars:       small || digit || in("_-.*"),
			nonceChars:     0x21 <= c && c <= 0x7e && !in(`"\`),
			targetChars:    0x21 <= c && c <= 0x7e && !in("#"),
			plainHostChars: small || digit || in(".-_~"),
		} {
			if got := classesOf[c]&class != 0; got != want {
				t.Errorf("%#x in class %b: %v", c, class, got)
			}
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
