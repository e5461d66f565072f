package signing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseHeadAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"request line alone":            "GET /",
		"without version":               "GET /a\nHost: h\n",
		"any version digits":            "GET /a HTTP/2.0\n",
		"version of one digit":          "GET / HTTP/2\n",
		"version of one digit at end":   "GET / HTTP/3",
		"bytes from 0x80 in the query":  "GET /a?b=\u00e9\xff\x80?/ HTTP/2\r\n",
		"no final line ending":          "GET / HTTP/1.1\nHost: h",
		"final line ending":             "GET / HTTP/1.1\nHost: h\n",
		"final blank line":              "GET / HTTP/1.1\nHost: h\n\n",
		"CRLF":                          "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"CRLF without the last":         "GET / HTTP/1.1\r\nHost: h",
		"empty value":                   "GET /\nX-Empty:\n",
		"value of spaces":               "GET /\nX-Empty:   \n",
		"colon and spaces in value":     "GET /\nX: a: b  c\n",
		"no space after the colon":      "GET /\nX:a\n",
		"bytes from 0x80 in value":      "GET /\nX: \x80\xff\u00e9\n",
		"method with punctuation":       "m-search! /\n",
		"every visible target byte":     "GET /!\"$%&'()*+,-.:;<=>?@[\\]^_`{|}~//..\n",
		"Signature and its input twice": "GET /\nSignature: a\nSignature-Input: b\nsignature: c\nSIGNATURE-INPUT: d\n",
		"repeated ordinary header":      "GET /\nAccept: a\naccept: b\n",
		"Verint headers of two names":   "GET /\nVerint-A: 1\nVerint-B: 1\n",
		"names near singular ones":      "GET /\nVerint: 1\nVerint: 1\nHosts: 1\nhosts: 1\n",
		"as many lines as allowed":      lines(MaxHeadLines) + "\n\n",
		"as many bytes as allowed":      sized(MaxHeadBytes),
	} {
		h, err := ParseHead([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if h.String() != text {
			t.Errorf("%s: written back as %q", name, h)
		}
	}
}

func TestParseHeadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                         "",
		"blank line alone":                "\n",
		"leading blank line":              "\nGET /\n",
		"leading space":                   " GET /\n",
		"method alone":                    "GET\n",
		"empty method":                    " /\n",
		"method not a token":              "GE(T /\n",
		"empty target":                    "GET \n",
		"two spaces before the target":    "GET  /\n",
		"HTAB before the target":          "GET\t/\n",
		"absolute form":                   "GET http://h/ HTTP/1.1\n",
		"authority form":                  "CONNECT h:443 HTTP/1.1\n",
		"asterisk form":                   "OPTIONS * HTTP/1.1\n",
		"fragment":                        "GET /a#b HTTP/1.1\n",
		"path of UTF-8":                   "GET /\u00e9 HTTP/1.1\n",
		"path of UTF-8, and a query":      "GET /aaaaaaaa\u00e9?b HTTP/1.1\n",
		"query of UTF-8 and a fragment":   "GET /?\u00e9# HTTP/1.1\n",
		"query of UTF-8 and DEL":          "GET /?\u00e9\x7f HTTP/1.1\n",
		"query of UTF-8 and HTAB":         "GET /?\u00e9\t HTTP/1.1\n",
		"target with DEL":                 "GET /\x7f HTTP/1.1\n",
		"target with NUL":                 "GET /\x00 HTTP/1.1\n",
		"blank after the target":          "GET / \n",
		"two spaces before the version":   "GET /  HTTP/1.1\n",
		"blank after the version":         "GET / HTTP/1.1 \n",
		"version in lower case":           "GET / http/1.1\n",
		"version without digits":          "GET / HTTP/\n",
		"version without a second digit":  "GET / HTTP/2.\n",
		"version of a first dot":          "GET / HTTP/.1\n",
		"version of two digits":           "GET / HTTP/11\n",
		"version of three digits":         "GET / HTTP/1.10\n",
		"version of three parts":          "GET / HTTP/1.1.1\n",
		"blank after a short version":     "GET / HTTP/2 \n",
		"second blank line":               "GET /\nA: b\n\n\n",
		"body":                            "GET /\nA: b\n\nbody",
		"second head":                     "GET /\nA: b\n\nGET /\n",
		"blank line in between":           "GET /\n\nA: b\n",
		"line without colon":              "GET /\nA\n",
		"empty header name":               "GET /\n: b\n",
		"blank before the colon":          "GET /\nA : b\n",
		"blank in the name":               "GET /\nA B: c\n",
		"name of UTF-8":                   "GET /\n\u00e9: b\n",
		"line folded with SP":             "GET /\nA: b\n c\n",
		"line folded with HTAB":           "GET /\nA: b\n\tc: d\n",
		"HTAB in value":                   "GET /\nA: b\tc\n",
		"HTAB around value":               "GET /\nA:\tb\n",
		"NUL in value":                    "GET /\nA: b\x00c\n",
		"DEL in value":                    "GET /\nA: b\x7fc\n",
		"bare CR in value":                "GET /\nA: b\rc\n",
		"bare CR in a CRLF head":          "GET /\r\nA: b\rc\r\n",
		"bare CR at the end":              "GET /\nA: b\r",
		"CR before CRLF":                  "GET /\r\nA: b\r\r\n",
		"LF, then CRLF":                   "GET /\nA: b\r\n",
		"CRLF, then LF":                   "GET /\r\nA: b\n",
		"CRLF, then LF in the middle":     "GET /\r\nA: b\nC: d\r\n",
		"CRLF, then a blank line with LF": "GET /\r\nA: b\r\n\n",
		"LF, then a blank line with CRLF": "GET /\nA: b\n\r\n",
		"repeated Authorization":          "GET /\nAuthorization: Bearer a\nauthorization: Bearer a\n",
		"repeated Host":                   "GET /\nHost: a\nHOST: a\n",
		"repeated Verint header":          "GET /\nVerint-UserName: a\nX: y\nverint-username: b\n",
		"repeated bare Verint prefix":     "GET /\nVerint-: a\nVERINT-: a\n",
		"Verint header as long as a name": "GET /\nVerint-Username: a\nverint-userName: b\n",
		"one line too many":               lines(MaxHeadLines + 1),
		"one byte too many":               sized(MaxHeadBytes + 1),
	} {
		h, err := ParseHead([]byte(text))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error is %v", name, err)
		}
		if h != nil {
			t.Errorf("%s: a head beside the error", name)
		}
	}
}

// lines returns a head of n lines, the last without its ending.
func lines(n int) string { return "GET /" + strings.Repeat("\nA: b", n-1) }

// sized returns a head of n bytes.
func sized(n int) string {
	const start = "GET /\nA: "
	return start + strings.Repeat("b", n-len(start)-1) + "\n"
}

func TestEveryControlCharacterIsMalformed(t *testing.T) {
	for c := range 0x100 {
		text := fmt.Sprintf("GET /\nA: b%cc", rune(c))
		if c >= 0x80 {
			text = "GET /\nA: b" + string([]byte{byte(c)}) + "c"
		}
		_, err := ParseHead([]byte(text))
		if refused, want := err != nil, c < ' ' || c == 0x7f; refused != want {
			t.Errorf("byte %#x: refused = %v, want %v", c, refused, want)
		}
	}
}

func TestHeadParts(t *testing.T) {
	b := []byte("PUT /a%2Fb?x=1?y HTTP/1.1\r\nHost:  h  \r\nX-A: 1\r\nx-a:2\r\nK: k\r\nU: \u00a0\u0085 \r\n\r\n")
	h, err := ParseHead(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)                  // the head keeps its own copy
	h.Headers()[0] = Header{} // and hands out copies

	query, has := h.Query()
	got := []string{h.Method(), h.Target(), h.Path(), query, h.Version()}
	want := []string{"PUT", "/a%2Fb?x=1?y", "/a%2Fb", "x=1?y", "HTTP/1.1"}
	if !slices.Equal(got, want) || !has {
		t.Errorf("parts %q, want %q", got, want)
	}
	if got, want := h.Headers(), []Header{
		{"Host", "h"},
		{"X-A", "1"},
		{"x-a", "2"},
		{"K", "k"},
		{"U", "\u00a0\u0085"},
	}; !slices.Equal(
		got,
		want,
	) {
		t.Errorf("headers %q, want %q", got, want)
	}
	for name, want := range map[string][]string{
		"x-A":      {"1", "2"},
		"HOST":     {"h"},
		"absent":   nil,
		"\u212a":   nil, // the Kelvin sign folds to k in Unicode, not in ASCII
		"u":        {"\u00a0\u0085"},
		"":         nil,
		"X-A: 1\n": nil,
	} {
		if got := h.Values(name); !slices.Equal(got, want) {
			t.Errorf("values of %q are %q, want %q", name, got, want)
		}
	}
}

func TestQuery(t *testing.T) {
	for target, want := range map[string]struct {
		path, query string
		has         bool
	}{
		"/":      {"/", "", false},
		"/?":     {"/", "", true},
		"/a?b":   {"/a", "b", true},
		"/a%3Fb": {"/a%3Fb", "", false},
		"/a??b":  {"/a", "?b", true},
	} {
		h := mustParseHead(t, "GET "+target)
		if query, has := h.Query(); h.Path() != want.path || query != want.query || has != want.has {
			t.Errorf("%s: path %s, query %q %v", target, h.Path(), query, has)
		}
	}
}
