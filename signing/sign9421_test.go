package signing

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

func TestSignRFC9421(t *testing.T) {
	digest := "Content-Digest: " + testDigest + "\n"
	for _, row := range []struct{ name, head, covers string }{
		{"plain", "GET /a HTTP/1.1\nHost: h\n", `("@method" "@authority" "@path")`},
		{"query", "GET /a?b HTTP/1.1\nHost: h\n", `("@method" "@authority" "@path" "@query")`},
		{"empty query", "GET /a?\nHost: H:443\n", `("@method" "@authority" "@path" "@query")`},
		{"body", "PUT /a\nHost: h\nContent-Length: 18\n" + digest, `("@method" "@authority" "@path" "content-digest")`},
		{
			"body and query", "PUT /a?b\nHost: h\nTransfer-Encoding: chunked\n" + digest,
			`("@method" "@authority" "@path" "@query" "content-digest")`,
		},
		{"digest without a body", "PUT /a\nHost: h\nContent-Length: 0\n" + digest, `("@method" "@authority" "@path")`},
	} {
		add, err := SignHead(RFC9421, mustParseHead(t, row.head), "tEsTkId1", testKey, testTime.Add(time.Second/2))
		if err != nil || len(add) != 2 || add[0].Name != "Signature-Input" || add[1].Name != "Signature" {
			t.Fatal(row.name, add, err)
		}
		start, nonce, _ := strings.Cut(strings.TrimSuffix(add[0].Value, `";tag="apikeys"`), `;nonce="`)
		if start != "sig1="+row.covers+`;created=1736937000;keyid="tEsTkId1"` || len(nonce) != 22 {
			t.Errorf("%s: input is %s", row.name, add[0].Value)
		}
		call, err := ParseCall(mustParseHead(t, with(row.head, add)))
		if err != nil {
			t.Fatal(row.name, err)
		}
		if !call.SignedBy(testKey) || call.Nonce != nonce || !call.Time.Equal(testTime) {
			t.Errorf("%s: does not verify, or at %s", row.name, call.Time)
		}
		if (call.ContentDigest == testDigest) != strings.Contains(row.covers, "digest") {
			t.Errorf("%s: digest %q", row.name, call.ContentDigest)
		}
	}
}

// with returns a head that ends with LF with headers added.
func with(head string, add []Header) string {
	for _, h := range add {
		head += h.Name + ": " + h.Value + "\n"
	}
	return head
}

func TestSignRFC9421Refuses(t *testing.T) {
	const host = "GET / HTTP/1.1\nHost: h\n"
	for _, row := range []struct {
		name, head string
		now        time.Time
		want       error
		says       string
	}{
		{"signed", host + "Signature: a\n", testTime, ErrSigned, ""},
		{"Bearer", host + "Authorization: Bearer a\n", testTime, ErrSigned, ""},
		{"no Host", "GET / HTTP/1.1\n", testTime, ErrMalformed, "add"},
		{"Host that is none", "GET / HTTP/1.1\nHost: a b\n", testTime, ErrMalformed, ""},
		{"body without a digest", host + "Content-Length: 1\n", testTime, ErrMalformed, "Content-Digest: add"},
		{
			"stream without a digest", host + "Transfer-Encoding: chunked\n", testTime, ErrMalformed,
			"Content-Digest: add",
		},
		{"digest that is none", host + "Content-Length: 1\nContent-Digest: a\n", testTime, ErrMalformed, ""},
		{"two lengths", host + "Content-Length: 0\nContent-Length: 0\n", testTime, ErrMalformed, ""},
		{"1970", host, time.Unix(0, 0), ErrMalformed, ""},
		{"zero time", host, time.Time{}, ErrMalformed, ""},
		{"year of five digits", host, testTime.AddDate(9000, 0, 0), ErrMalformed, ""},
		{"one line left", lines(MaxHeadLines-2) + "\nHost: h\n", testTime, ErrMalformed, ""},
		{"no bytes left", "GET /\nHost: h\nA: " + strings.Repeat("b", MaxHeadBytes-200), testTime, ErrMalformed, ""},
	} {
		add, err := SignHead(RFC9421, mustParseHead(t, row.head), "tEsTkId1", testKey, row.now)
		if !errors.Is(err, row.want) || add != nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestRFC9421Tamper(t *testing.T) {
	head := "POST /api/v1/things?page=2 HTTP/1.1\nHost: api.example.com\nAccept: text/plain\nContent-Length: " +
		"18\nContent-Digest: " + testDigest + "\n"
	add, err := SignHead(RFC9421, mustParseHead(t, head), "tEsTkId1", testKey, testTime)
	if err != nil {
		t.Fatal(err)
	}
	signed := with(head, add)
	const good, bad, malformed = "signed", "not signed", "malformed"
	for _, row := range []struct{ name, old, new, want string }{
		{"nothing", "", "", good},
		{"method", "POST", "PUT", bad},
		{"case of the method", "POST", "post", bad},
		{"path", "/things", "/thing", bad},
		{"escape in the path", "/things", "/%74hings", bad},
		{"query", "page=2", "page=3", bad},
		{"query removed", "?page=2", "", bad},
		{"query moved into the path", "?page", "%3Fpage", bad},
		{"Host", "api.example.com", "evil.example", bad},
		{"port", "api.example.com", "api.example.com:8443", bad},
		{"digest", "X48E9q", "X48E9r", bad},
		{"created", "created=1736937000", "created=1736937001", bad},
		{"key ID, which chooses the key", "tEsTkId1", "tEsTkId2", bad},
		{"nonce", `nonce="`, `nonce="a`, bad},
		{"expires", ";created", ";expires=1736937000;created", bad},
		{"alg", ";created", `;alg="hmac-sha256";created`, bad},
		{"a field more", `"content-digest")`, `"content-digest" "accept")`, bad},
		{"order", `"@method" "@authority"`, `"@authority" "@method"`, bad},
		{"nonce removed", `;nonce`, ";n", malformed},
		{"digest removed", `"content-digest"`, `"accept"`, malformed},

		{"other header", "text/plain", "*/*", good},
		{"other header added", "Accept", "X-A: b\nAccept", good},
		{"length of the body, which the digest binds", ": 18", ": 19", good},
		{"version", " HTTP/1.1", "", good},
		{"line endings", "\n", "\r\n", good},
		{"case of the Host", "api.", "API.", good},
		{"implied port", "api.example.com", "api.example.com:443", good},
		{"label, which is not signed", "sig1=", "sig2=", good},
	} {
		n := 1
		if row.old == "\n" || row.old == "sig1=" {
			n = -1
		}
		text := strings.Replace(signed, row.old, row.new, n)
		if text == signed && row.old != "" {
			t.Errorf("%s: the row changes nothing", row.name)
		}
		got := malformed
		if call, err := ParseCall(mustParseHead(t, text)); err == nil && call.SignedBy(testKey) {
			got = good
		} else if err == nil {
			got = bad
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// What is accepted is what another parser of RFC 8941 reads and writes.
func FuzzSignatureInput(f *testing.F) {
	f.Add(
		`sig1=("@method" "@authority" "@path" "@query" "content-digest")`+testParams,
		"sig1=:"+strings.Repeat("A", 43)+"=:",
	)
	f.Add(`a*=("@method" "@target-uri" "x")`+testParams+`;tag="a\"b";expires=1736937001;alg="hmac-sha256"`, "a*=:AAAA:")
	f.Add(`sig1=( "@method");created=1.0;keyid=tEsTkId1;nonce`, "sig1=:A:;a")
	f.Fuzz(func(t *testing.T, input, signature string) {
		var in inputMember
		if in.parse(input) == nil {
			list := oracle(t, input, in.label).(httpsfv.InnerList)
			for i, name := range in.components.names {
				if list.Items[i].Value != name || len(list.Items[i].Params.Names()) > 0 {
					t.Fatalf("component %d is %v to the oracle", i, list.Items[i])
				}
			}
			created, _ := list.Params.Get("created")
			keyID, _ := list.Params.Get("keyid")
			nonce, _ := list.Params.Get("nonce")
			expires, _ := list.Params.Get("expires")
			if created != in.created || keyID != in.keyID || in.has&hasNonce != 0 && nonce != in.nonce ||
				in.has&hasExpires != 0 && expires != in.expires {
				t.Fatalf("parameters are %v, %v, %v, %v to the oracle", created, keyID, nonce, expires)
			}
			if want := 2 + int(in.has&hasNonce)/hasNonce + int(
				in.has&hasExpires,
			)/hasExpires + int(in.has&hasAlg)/hasAlg + int(in.has&hasTag)/hasTag; len(list.Params.Names()) != want ||
				len(list.Items) != len(in.components.names) {
				t.Fatalf("the oracle reads %v and %d components", list.Params.Names(), len(list.Items))
			}
		}
		label, isKey := (&fields{signature}).key() // as the input's label is
		if tag := new([TagSize]byte); parseSignature(tag, signature, label) && isKey {
			item := oracle(t, signature, label).(httpsfv.Item)
			if !bytes.Equal(item.Value.([]byte), tag[:]) || len(item.Params.Names()) > 0 {
				t.Fatal("the oracle reads another tag")
			}
		}
	})
}

// oracle returns the one member of a dictionary, which it writes back as it is.
func oracle(t *testing.T, text, label string) httpsfv.Member {
	t.Helper()
	dict, err := httpsfv.UnmarshalDictionary([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	again, err := httpsfv.Marshal(dict)
	member, has := dict.Get(label)
	if err != nil || again != text || !has || len(dict.Names()) != 1 {
		t.Fatalf("the oracle writes %q (%v)", again, err)
	}
	return member
}

// TestUsualComponents reads each list as it would be read name by name, and what only begins like one too.
func TestUsualComponents(t *testing.T) {
	names := []string{`"@method"`, `"@authority"`, `"@path"`, `"@query"`, `"content-digest"`, `"date"`, `"@target-uri"`}
	lists := [][]string{{}}
	usual := 0
	for range 5 {
		var longer [][]string
		for _, list := range lists {
			for _, name := range names {
				longer = append(longer, append(slices.Clone(list), name))
			}
		}
		for _, list := range longer {
			for _, end := range []string{
				`);created=1`, ` );created=1`, `, );`, ``, `;sf);created=1`, ` "@query");created=1`,
			} {
				f := fields{"(" + strings.Join(list, " ") + end}
				g := f
				var got, want components
				fast := f
				if new(components).parseUsual(&fast) {
					usual++
				} else if fast != f {
					t.Fatalf("%s: taken off, but not usual", g.rest)
				}
				err, wantErr := got.parse(&f), want.parseList(&g)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) ||
					err == nil && (f != g || got.covers != want.covers || !slices.Equal(got.names, want.names)) {
					t.Fatalf("%v %v %q, want %v %v %q", err, got, f.rest, wantErr, want, g.rest)
				}
			}
		}
		lists = longer
	}
	if usual < 4 {
		t.Errorf("%d lists were usual", usual)
	}
}
