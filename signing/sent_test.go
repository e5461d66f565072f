package signing

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// slowRequestLine is the request line as it is documented.
var slowRequestLine = regexp.MustCompile(
	"^([!#$%&'*+.^`|~0-9A-Za-z_-]+) (/[!\"$->@-~]*)([?][!\"$-~\\x{80}-\\x{ff}]*)?( HTTP/[0-9](?:\\.[0-9])?)?$")

// slowly reads a request line by the pattern. It widens bytes to runes, because patterns read UTF-8.
func slowly(line string) (parts []string, ok bool) {
	wide := make([]rune, len(line))
	for i := range len(line) {
		wide[i] = rune(line[i])
	}
	for _, part := range slowRequestLine.FindStringSubmatch(string(wide)) {
		var narrow []byte
		for _, c := range part {
			narrow = append(narrow, byte(c)) // #nosec G115 -- a byte that was widened
		}
		parts = append(parts, string(narrow))
	}
	return parts, parts != nil
}

// A request line is taken where the documented form fits it, and its parts are those of the form.
func FuzzRequestLine(f *testing.F) {
	for _, line := range []string{
		"GET /", "GET /a?b=c HTTP/1.1", "M-SEARCH /a/b?c=\u00e9\xff HTTP/2",
		"PUT /aaaaaaaaaaaa?bbbbbbbbbbbb\x80 HTTP/3",
		"GET /\u00e9?b HTTP/1.1", "GET /?# HTTP/1.1", "GET /? HTTP/2.", "GET /?? HTTP/10", "GET / HTTP/1.1 ",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\r\n") {
			return
		}
		requestLineAgrees(t, string(line))
	})
}

func requestLineAgrees(t *testing.T, line string) {
	t.Helper()
	h, err := ParseHead([]byte(line))
	parts, ok := slowly(line)
	if ok != (err == nil) && len(line) <= MaxHeadBytes {
		t.Fatalf("%q: %v, and by the pattern %t", line, err, ok)
	}
	if err != nil {
		return
	}
	query, has := h.Query()
	if has {
		query = "?" + query
	}
	if h.Method() != parts[1] || h.Path() != parts[2] || query != parts[3] ||
		h.Version() != strings.TrimPrefix(parts[4], " ") {
		t.Fatalf("%q: %q %q %q %q, and by the pattern %q", line, h.Method(), h.Path(), query, h.Version(), parts)
	}
}

// Request lines of chance, made of what matters in one, agree with the pattern.
func TestRequestLinesAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 4))
	pieces := []string{
		"GET", " ", "/", "a", "?", "#", "\u00e9", "\xff", "HTTP/", "1", ".", "2", "bbbbbbbb", "%C3", "\t", "\x7f",
		" HTTP/2",
	}
	for range 50_000 {
		line := "GET /"
		for range random.IntN(9) {
			line += pieces[random.IntN(len(pieces))]
		}
		requestLineAgrees(t, line)
	}
}

// Bytes from 0x80 up are taken in the query, signed as they are, and each of them counts.
func TestHighBytesInTheQueryAlone(t *testing.T) {
	for _, target := range []string{"/a?q=caf\u00e9", "/a?\xe9", "/aaaaaaaaaaaaaaaa?bbbbbbbbbbb\x80\xff#"} {
		h, err := ParseHead([]byte("GET " + target + " HTTP/2\nHost: h\n"))
		if strings.Contains(target, "#") {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%q: %v", target, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		add, err := SignHead(RFC9421, h, "tEsTkId1", testKey, testTime)
		if err != nil {
			t.Fatal(err)
		}
		signed := with(h.String(), add)
		call, err := ParseCall(mustParseHead(t, signed))
		_, query, _ := strings.Cut(target, "?")
		if err != nil || !call.SignedBy(testKey) || !strings.Contains(string(call.Message),
			"\"@query\": ?"+query+"\n") {
			t.Errorf("%q: %v", target, err)
		}
		at := strings.IndexFunc(signed, func(c rune) bool { return c >= 0x80 })
		other := []byte(signed)
		other[at] ^= 1
		if call, err := ParseCall(mustParseHead(t, string(other))); err != nil || call.SignedBy(testKey) {
			t.Errorf("%q with another byte: %v", target, err)
		}
	}
	for _, target := range []string{"/\u00e9", "/\u00e9?a", "/aaaaaaaaaaaaaaaaa\xff?a"} {
		if _, err := ParseHead([]byte("GET " + target)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", target, err)
		}
	}
}
