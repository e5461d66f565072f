package clienttest_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/signing"
)

// author writes calls: good ones, deviating ones, and ones that somebody has changed.
type author struct {
	*rand.Rand
	subjects []subject
	before   []verify.Call
	made     int
}

func pick[T any](a *author, from ...T) T { return from[a.IntN(len(from))] }

func (a *author) chance(percent int) bool { return a.IntN(100) < percent }

// call returns the next one.
func (a *author) call() verify.Call {
	if a.chance(12) && len(a.before) > 0 {
		return a.before[len(a.before)-1-a.IntN(min(len(a.before), 200))]
	}
	s := a.subjects[a.IntN(len(a.subjects))]
	signer := s
	switch a.IntN(12) {
	case 0:
		signer.Secret = []byte("somebody else's key, of 32 bytes")
	case 1:
		signer.ID = fmt.Sprintf("stranger-%03d", a.IntN(300))
	}
	c := a.signed(signer)
	c.ClientIP = pick(
		a,
		netip.Addr{},
		netip.MustParseAddr("192.0.2.7"),
		netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("198.51.100.1"),
		netip.MustParseAddr("::ffff:192.0.2.9"),
		netip.MustParseAddr("fe80::1%eth0"),
	)
	if a.chance(25) {
		c = a.spoilt(c)
	}
	a.before = append(a.before, c)
	return c
}

func (a *author) signed(s subject) verify.Call {
	scheme := s.scheme()
	if a.chance(3) { // with a key of another scheme
		scheme = pick(a, signing.Vrnt1, signing.RFC9421, signing.HMACSHA256)
	}
	a.made++
	if scheme == signing.HMACSHA256 {
		message := fmt.Sprintf("order %d\x00\xff%d", a.made, a.Int64())
		return verify.Call{Message: message, Signature: signing.SignTagged(s.ID, s.Secret, []byte(message))}
	}
	at := time.Now().
		Add(time.Duration(pick(
			a, 0, 0, 0, -1, -20, -30, -31, -299, -300, -301, -4000, 1, 9, 10, 11, 59, 60, 61, 4000,
		)) * time.Second)
	if scheme == signing.Vrnt1 {
		return verify.Call{Request: a.vrnt1(s, at)}
	}
	return verify.Call{Request: a.rfc9421(s, at)}
}

func (a *author) target() string {
	path := pick(
		a,
		"/wfo/a/b/x",
		"/wfo/a/b/x",
		"/wfo/a",
		"/wfo/b1",
		"/wfo/c",
		"/orders/1",
		"/orders/1/2",
		"/",
		"/wfo//a",
		"/wfo/../a",
		"/wfo/a/%2e%2e/x",
		"/wfo/a;b",
		"/wfo/a%2Fb",
		"/wfo/a%20b",
		"/wfo/a/%41/x",
		"/%7Ewfo",
		"/wfo/a/%C3%A4/x",
		"/wfo/a/%zz",
		"/wfo/a/%252e%252e/x",
		"/wfo/a/..%20/x",
		"/wfo/a/%c0%ae/x",
		"/wfo/a/%3b/x",
		"/wfo/a"+strings.Repeat("/x", 70),
	)
	return path + pick(a, "", "", "?page=2", "?", "?a=%20b")
}

// vrnt1 signs a head as the scheme says, or as one of the clients does that read it differently.
func (a *author) vrnt1(s subject, at time.Time) string {
	method, target := pick(a, "GET", "GET", "POST", "DELETE"), a.target()
	headers := []signing.Header{{Name: "Host", Value: "api.example"}}
	if a.chance(60) {
		headers = append(
			headers,
			signing.Header{Name: "Verint-UserName", Value: pick(a, "agent-7", "AGENT-7", "agent-8")},
		)
	}
	if a.chance(40) {
		headers = append(
			headers,
			signing.Header{Name: "verint-b", Value: "Two"},
			signing.Header{Name: "Verint-A", Value: pick(a, "one", "One", "")},
		)
	}
	deviates := func() bool { return a.chance(15) }
	sorted, cased, text := deviates(), deviates(), deviates()
	path, _, _ := strings.Cut(target, "?")
	if decoded, err := url.PathUnescape(path); err == nil && deviates() {
		path = decoded
	}
	if deviates() {
		path = target
	}
	under := slices.DeleteFunc(
		slices.Clone(headers),
		func(h signing.Header) bool { return !strings.HasPrefix(strings.ToLower(h.Name), "verint-") },
	)
	if sorted {
		slices.SortFunc(under, func(x, y signing.Header) int {
			return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
		})
	}
	salt, iat := fmt.Sprintf("salt-%08d", a.made), at.UTC().Format(time.RFC3339)
	message := salt + "\n" + method + "\n" + path + "\n" + iat + "\n"
	for _, h := range under {
		value := h.Value
		if !cased {
			value = strings.ToLower(value)
		}
		message += strings.ToLower(h.Name) + ":" + value + "\n"
	}
	key := s.Secret
	if text {
		key = []byte(base64.RawURLEncoding.EncodeToString(key))
	}
	tag := signing.MAC(key, []byte(message+"\n"))
	encoding := base64.RawURLEncoding
	if deviates() {
		encoding = pick(a, base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding)
	}
	parameters := []string{"salt=" + salt, "iat=" + iat, "kid=" + s.ID, "sig=" + encoding.EncodeToString(tag[:])}
	if deviates() {
		a.Shuffle(len(parameters), func(i, j int) { parameters[i], parameters[j] = parameters[j], parameters[i] })
	}
	comma := ","
	if deviates() {
		comma = pick(a, ", ", " ,", " , ")
	}
	headers = append(
		headers,
		signing.Header{Name: "Authorization", Value: "Vrnt-1-HMAC-SHA256 " + strings.Join(parameters, comma)},
	)
	return a.head(method+" "+target, headers)
}

// rfc9421 signs a head over @target-uri or its three parts, with what else the profile allows.
func (a *author) rfc9421(s subject, at time.Time) string {
	method, target, host := pick(a, "GET", "POST"), a.target(), "api.example"
	headers := []signing.Header{{Name: "Host", Value: host}}
	names, base := `"@method" "@target-uri"`, "\"@method\": "+method+"\n\"@target-uri\": https://"+host+target+"\n"
	if path, query, ok := strings.Cut(target, "?"); a.chance(50) {
		names = `"@method" "@authority" "@path"`
		base = "\"@method\": " + method + "\n\"@authority\": " + host + "\n\"@path\": " + path + "\n"
		if ok && a.chance(90) {
			names, base = names+` "@query"`, base+"\"@query\": ?"+query+"\n"
		}
	}
	if a.chance(40) {
		digest := signing.DigestBody([]byte("{}"))
		headers = append(
			headers,
			signing.Header{Name: "Content-Length", Value: "2"},
			signing.Header{Name: "Content-Digest", Value: digest},
		)
		if a.chance(90) {
			names, base = names+` "content-digest"`, base+"\"content-digest\": "+digest+"\n"
		}
	}
	if a.chance(40) {
		user := pick(a, "agent-7", "AGENT-7", "agent-8")
		headers = append(headers, signing.Header{Name: "Verint-UserName", Value: user})
	}
	parameters := fmt.Sprintf(`(%s);created=%d;keyid="%s"`, names, at.Unix(), s.ID)
	if a.chance(85) {
		parameters += fmt.Sprintf(`;nonce="nonce-%08d"`, a.made)
	}
	if a.chance(20) {
		parameters += fmt.Sprintf(`;expires=%d`, at.Unix()+pick[int64](a, 0, 1, 20, 300, 1000))
	}
	tag := signing.MAC(s.Secret, []byte(base+`"@signature-params": `+parameters))
	headers = append(headers, signing.Header{Name: "Signature-Input", Value: "sig1=" + parameters},
		signing.Header{Name: "Signature", Value: "sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":"})
	return a.head(method+" "+target, headers)
}

func (a *author) head(line string, headers []signing.Header) string {
	end := pick(a, "\n", "\r\n")
	text := line + pick(a, "", " HTTP/1.1") + end
	for _, h := range headers {
		text += h.Name + ":" + pick(a, " ", "", "  ") + h.Value + end
	}
	return text + pick(a, "", end)
}

// spoilt returns a call of which something has changed on the way.
func (a *author) spoilt(c verify.Call) verify.Call {
	text := &c.Request
	if c.Request == "" {
		text = pick(a, &c.Message, &c.Signature)
	}
	b := []byte(*text)
	at := a.IntN(len(b))
	switch a.IntN(6) {
	case 0:
		b[at] ^= 1 << a.IntN(8)
	case 1:
		b = slices.Delete(b, at, at+1)
	case 2:
		b = b[:at]
	case 3: // a line twice
		lines := strings.SplitAfter(*text, "\n")
		n := a.IntN(len(lines))
		b = []byte(strings.Join(slices.Insert(lines, n, lines[n]), ""))
	case 4: // no signature, or one too many
		b = []byte(
			strings.Replace(
				*text,
				pick(a, "Authorization:", "Signature:", "Signature-Input:"),
				pick(a, "X-Other:", "Signature:", "authorization:"),
				1,
			),
		)
	case 5:
		b = []byte(
			strings.Replace(
				*text,
				pick(a, "agent-7", "/wfo", "GET", "Host"),
				pick(a, "agent-9", "/Wfo", "PUT", "Verint-X"),
				1,
			),
		)
	}
	*text = string(b)
	return c
}
