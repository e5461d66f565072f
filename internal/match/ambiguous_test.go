package match

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAmbiguousPaths(t *testing.T) {
	for kind, paths := range map[string][]string{
		"dots":              {"/.", "/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e/a", "/.%2e/a", "/a/..", "/...", "/a/....", "/%2E%2E%2E/a", "/.%2e./b"},
		"empty segments":    {"//", "/a//b"},
		"parameters":        {"/a;v=1/b", "/a%3bv=1", "/a%3B", "/..;/a", "/..%3b/a"},
		"other separators":  {"/a\\b", "/a%2Fb", "/a%2fb", "/a%5c", "/a%5C..%5cb"},
		"control":           {"/%00", "/a%0a", "/a%1F", "/%7f", "/..%09/b", "/%c2%85"},
		"broken escapes":    {"/%", "/%4", "/%4g", "/%g4", "/%u002e%u002e/a"},
		"escaped twice":     {"/%252e%252e/admin", "/%252fa", "/%25%32%65/a", "/%25252e", "/%253b", "/%25u002e", "/a%2541", "/a/%25%EF%BC%92e%25%EF%BC%92e/b", "/%252%C2%B2", "/%25%E2%91%A1e"},
		"overlong":          {"/%c0%ae%c0%ae/a", "/%e0%80%ae", "/%c0%af", "/%f0%80%80%af", "/%c1%9c"},
		"no UTF-8":          {"/%ff", "/%c3", "/a%80b", "/%ed%a0%80", "/%e4"},
		"dots and blanks":   {"/..%20", "/..%20/a", "/%20..", "/.%20.", "/a/.%20", "/..%c2%a0/a", "/.%e2%80%8b./a", "/..%e3%80%80", "/.%ef%b8%8f."},
		"nothing visible":   {"/%20", "/a/%20/b", "/a/%20", "/a/%e2%80%8b/b", "/a/%e3%80%80%20"},
		"ends of a path":    {"/a%3Fb", "/a%3f", "/a%23.css", "/a?b", "/a#b", "/a%e2%81%87b", "/a%e2%81%88", "/%e2%81%89", "/a%ef%b8%96b", "/a%ef%bc%9fb", "/a%ef%bc%83b"},
		"look like dots":    {"/%ef%bc%8e%ef%bc%8e/a", "/%e2%80%a5/a", "/%e2%80%a4.", "/%e2%80%a6", "/%ef%b9%92%ef%b9%92", "/%e3%80%82%e3%80%82/a"},
		"look like others":  {"/a%ef%bc%8fb", "/a%ef%bc%bcb", "/a%ef%bc%9bb", "/a%ef%bc%85b", "/a%e2%88%95b", "/a%c2%a5b", "/%cd%be", "/%ef%bc%852e", "/%e2%84%80"},
		"over every bound":  {"/" + strings.Repeat("a", MaxPath)},
		"bytes as they are": {"/\x00", "/a\x7f", "/\xff", "/\uff0e\uff0e/a"},
	} {
		for _, path := range paths {
			if !Ambiguous(path) {
				t.Errorf("%s: %q is plain", kind, path)
			}
		}
	}
	for _, path := range []string{
		"/", "/a", "/a/", "/a.b", "/.a", "/a..b/c", "/a..", "/.well-known/x", "/a%20b", "/%2ea", "/~a/b_c",
		"/caf%C3%A9", "/%E4%B8%AD", "/100%25",
		"/100%25/a", "/%25zz", "/a%2Cb", "/%F0%9F%98%80", "/a%e3%80%82b", "/..a%20", "/x%40y:1", "/a%C2%A0b",
	} {
		if Ambiguous(path) {
			t.Errorf("%q is ambiguous", path)
		}
	}
}

// lenient reads a path as careless services do: it decodes up to three times, takes overlong forms and characters that
// look alike for what they mean, drops parameters, control characters and blanks, and then walks.
func lenient(path string, times int, windows bool) string {
	for range times {
		path = lenientUnescape(path)
	}
	path = alike.Replace(overlong(path))
	path = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || isInvisible(r) {
			return -1
		}
		return r
	}, path)
	var out []string
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, "\\", "/"), "/") {
		segment, _, _ = strings.Cut(segment, ";")
		if windows && strings.Trim(segment, ".") == "" && len(segment) > 2 {
			segment = ".."
		}
		switch segment {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}

var alike = strings.NewReplacer(
	"\uff0e",
	".",
	"\u2024",
	".",
	"\ufe52",
	".",
	"\u2025",
	"..",
	"\u2026",
	"...",
	"\u3002",
	".",
	"\uff61",
	".",
	"\uff0f",
	"/",
	"\u2044",
	"/",
	"\u2215",
	"/",
	"\uff3c",
	"\\",
	"\ufe68",
	"\\",
	"\u2216",
	"\\",
	"\u00a5",
	"\\",
	"\u20a9",
	"\\",
	"\uff1b",
	";",
	"\ufe54",
	";",
	"\u037e",
	";",
	"\uff05",
	"%",
	"\ufe6a",
	"%",
)

// lenientUnescape leaves escapes that are none as they are, and knows %uXXXX.
func lenientUnescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+5 < len(s) && (s[i+1] == 'u' || s[i+1] == 'U') {
			if c, err := url.PathUnescape("%" + s[i+2:i+4] + "%" + s[i+4:i+6]); err == nil {
				b.WriteRune(rune(c[0])<<8 | rune(c[1]))
				i += 5
				continue
			}
		}
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// overlong reads forms of two to four bytes whatever they stand for.
func overlong(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
			b.WriteRune(r)
			i += size
			continue
		}
		r, more := rune(s[i]), 0
		switch {
		case s[i]>>5 == 6:
			r, more = r&31, 1
		case s[i]>>4 == 14:
			r, more = r&15, 2
		case s[i]>>3 == 30:
			r, more = r&7, 3
		}
		i++
		for ; more > 0 && i < len(s); i, more = i+1, more-1 {
			r = r<<6 | rune(s[i]&63)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// FuzzLenientReaders holds that nobody, however careless, takes a path in scope for one outside of what the glob begins
// with.
func FuzzLenientReaders(f *testing.F) {
	for _, path := range []string{
		"/wfo/%252e%252e/admin", "/wfo/%c0%ae%c0%ae/admin", "/wfo/..%20/admin", "/wfo/a%3b/../../admin",
		"/wfo/%ef%bc%8e%ef%bc%8e/x", "/wfo/%25u002e%25u002e/x",
		"/wfo/.../x", "/wfo/%2525252e./x", "/wfo/a%2f..%2f../x", "/wfo/.%00./x", "/wfo/100%25/x",
		"/wfo/%25%32%65%25%32%65/x", "/wfo/%ef%bc%852e%ef%bc%852e/x",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		var p Path
		if !p.Read(path) || Ambiguous(path) || !GlobsOf([]string{"/wfo/**"}).Match(&p) {
			return
		}
		for times := range 4 {
			for _, windows := range []bool{false, true} {
				if read := lenient(path, times, windows); read != "/wfo" && !strings.HasPrefix(read, "/wfo/") {
					t.Fatalf("%q is within /wfo/**, and %s after decoding %d times", path, read, times)
				}
			}
		}
	})
}
