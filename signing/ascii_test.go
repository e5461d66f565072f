package signing

import (
	"strings"
	"testing"
)

// Each byte in each place, among neighbours that could lend it a bit.
func TestHasControl(t *testing.T) {
	for _, around := range []byte{' ', '!', '~', 0x80, 0xff} {
		for size := range 20 {
			for at := range size {
				for c := range 0x100 {
					b := []byte(strings.Repeat(string([]byte{around}), size))
					b[at] = byte(c)
					if got, want := hasControl(string(b)), c < ' ' || c == 0x7f; got != want {
						t.Fatalf("byte %#x at %d of %d: %v, want %v", c, at, size, got, want)
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

// A verifier of many calls pays for the head, and for the call and its message.
func TestVerifyAllocates(t *testing.T) {
	for _, s := range []Scheme{Vrnt1, RFC9421} {
		add, err := SignHead(s, mustParseHead(t, benchHead), "tEsTkId1", testKey, testTime)
		if err != nil {
			t.Fatal(err)
		}
		head := []byte(strings.ReplaceAll(with(benchHead, add), "\r\n", "\n"))
		key := NewMACKey(testKey)
		if n := testing.AllocsPerRun(100, func() {
			h, err := ParseHead(head)
			if err != nil {
				t.Fatal(err)
			}
			if call, err := ParseCall(h); err != nil || !key.Signed(call) {
				t.Fatal("not signed", err)
			}
		}); n > 4 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}
