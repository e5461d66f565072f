package signing

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"
)

const (
	vrnt1Prefix  = "Vrnt-1-HMAC-SHA256 "
	verintPrefix = "verint-"
	iatShape     = "0000-00-00T00:00:00Z" // RFC 3339 in UTC, whole seconds
	saltBytes    = 16                     // 128 bits, so that two calls never share one
	minSalt      = 8
	maxSalt      = 128
)

// Vrnt1Header is the value of a Vrnt-1 Authorization header:
//
//	Vrnt-1-HMAC-SHA256 salt=<salt>,iat=<iat>,kid=<key ID>,sig=<tag>
//
// The vectors in testdata/vrnt1.json define the scheme.
type Vrnt1Header struct {
	Salt     string    // 8 to 128 characters of [0-9A-Za-z_-], opaque
	IssuedAt time.Time // UTC, whole seconds
	KeyID    string    // see [ValidKeyID]
	Tag      [TagSize]byte
}

// ParseVrnt1Header parses the strict form: exactly the scheme and one space, then the four parameters in this
// order, separated by commas only. The date must exist and must not be Go's zero time, which means "no time" in
// a [Call]. The tag is 43 characters of base64url without padding or stray bits. Everything else is an
// [ErrMalformed]. [Vrnt1Header.String] returns an accepted value byte for byte.
func ParseVrnt1Header(s string) (Vrnt1Header, error) {
	var v Vrnt1Header
	if err := v.parse(s); err != nil {
		return Vrnt1Header{}, err
	}
	return v, nil
}

func (v *Vrnt1Header) parse(s string) error {
	rest, ok := strings.CutPrefix(s, vrnt1Prefix)
	if !ok {
		return malformed("authorization not of scheme %s", Vrnt1)
	}
	if v.Salt, rest, ok = cutWord(rest, "salt=", minSalt, maxSalt); !ok {
		return malformed("salt")
	}
	text, named := strings.CutPrefix(rest, "iat=")
	end := min(len(iatShape), len(text))
	v.IssuedAt, ok = parseIssuedAt(text[:end])
	rest, ended := strings.CutPrefix(text[end:], ",")
	if !named || !ok || !ended {
		return malformed("iat")
	}
	if v.KeyID, rest, ok = cutWord(rest, "kid=", minKeyID, maxKeyID); !ok {
		return malformed("kid")
	}
	sig, named := strings.CutPrefix(rest, "sig=")
	if !named || !parseTag(&v.Tag, sig) {
		return malformed("sig")
	}
	return nil
}

// cutWord returns the word of least..most bytes after prefix (see [isWord]), and the rest after the comma that
// must follow.
func cutWord(s, prefix string, least, most int) (word, rest string, ok bool) {
	s, named := strings.CutPrefix(s, prefix)
	n := span(s, wordChars)
	rest, ended := strings.CutPrefix(s[n:], ",")
	return s[:n], rest, named && ended && least <= n && n <= most
}

// parseIssuedAt parses yyyy-MM-ddTHH:mm:ssZ of a date that exists. time.Parse also accepts fractions, offsets
// and one-digit hours.
func parseIssuedAt(s string) (time.Time, bool) {
	if len(s) != len(iatShape) {
		return time.Time{}, false
	}
	for i := range len(s) {
		if c := iatShape[i]; c != s[i] && (c != '0' || !isDigit(s[i])) {
			return time.Time{}, false
		}
	}
	two := func(at int) int { return int(s[at]-'0')*10 + int(s[at+1]-'0') }
	year, month, day, hour, minute, second := two(0)*100+two(2), time.Month(two(5)), two(8), two(11), two(14), two(17)
	if month < time.January || month > time.December || day == 0 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day && !t.IsZero() // Date turns a day that does not exist into another one
}

// String returns the header's value, for parsed headers and those whose fields are within their limits.
func (v Vrnt1Header) String() string {
	b := make([]byte, 0, 256)
	b = append(b, vrnt1Prefix+"salt="...)
	b = append(b, v.Salt...)
	b = append(b, ",iat="...)
	b = v.IssuedAt.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, ",kid="...)
	b = append(b, v.KeyID...)
	b = append(b, ",sig="...)
	b = tagEncoding.AppendEncode(b, v.Tag[:])
	return string(b)
}

// isVrnt1 reports whether an Authorization value claims the scheme, in any case and form. RFC 9110 schemes are
// case-insensitive, so another reader might accept it.
func isVrnt1(value string) bool {
	if strings.HasPrefix(value, vrnt1Prefix) {
		return true
	}
	scheme, _, _ := strings.Cut(value, " ")
	return equalFold(scheme, vrnt1Prefix[:len(vrnt1Prefix)-1])
}

// isVerint reports whether Vrnt-1 signs headers with that name.
func isVerint(name string) bool {
	return len(name) >= len(verintPrefix) && lower(name[0]) == verintPrefix[0] &&
		equalFold(name[:len(verintPrefix)], verintPrefix)
}

func (c *Call) parseVrnt1(h *Head, buf []byte, value string, lenient bool) error {
	var v Vrnt1Header
	var form variantSet
	err := v.parse(value)
	if err != nil && lenient {
		v, form, err = parseLenientVrnt1(value)
	}
	if err != nil {
		return err
	}
	c.Scheme, c.KeyID, c.Nonce, c.Time, c.Tag, c.Form = Vrnt1, v.KeyID, v.Salt, v.IssuedAt, v.Tag, form.list()
	c.Message = vrnt1Message(buf, h, h.Path(), v.Salt, v.iat(value, form), nil, 0)
	return nil
}

// iat returns the time as it is written in value, from which v was parsed. In lenient forms it is not at its
// usual place.
func (v *Vrnt1Header) iat(value string, form variantSet) string {
	if form != 0 {
		return formatIssuedAt(v.IssuedAt)
	}
	start := len(vrnt1Prefix) + len("salt=") + len(v.Salt) + len(",iat=")
	return value[start : start+len(iatShape)]
}

func formatIssuedAt(t time.Time) string { return t.Format(time.RFC3339) }

// vrnt1Message appends the string to sign to b:
//
//	salt LF method LF path LF iat LF {name ":" value LF} LF
//
// There is one name and value, in lower case, for each Verint- header in the order received. order, if not nil, is
// another order, and set may keep the case of values. No field contains an LF, so two calls share a message only if
// they differ in parts that the scheme does not sign: query, host, body, other headers and the case of those values.
func vrnt1Message(b []byte, h *Head, path, salt, iat string, order []uint8, set variantSet) []byte {
	var buf [MaxHeadLines]uint8
	if order == nil {
		order = h.appendVerints(buf[:0])
	}
	b = append(append(b, salt...), '\n')
	b = append(append(b, h.method...), '\n')
	b = append(append(b, path...), '\n')
	b = append(append(b, iat...), '\n')
	for _, i := range order {
		b = append(appendLower(b, h.name(int(i))), ':')
		if value := h.value(int(i)); set&headerValueCase != 0 {
			b = append(b, value...)
		} else {
			b = appendLower(b, value)
		}
		b = append(b, '\n')
	}
	return append(b, '\n')
}

// appendVerints appends the indexes of the Verint- headers, in the order received.
func (h *Head) appendVerints(to []uint8) []uint8 {
	for i := int(h.verints[0]); i < int(h.verints[1]); i++ {
		if isVerint(h.name(i)) {
			to = append(to, uint8(i)) // #nosec G115 -- below MaxHeadLines
		}
	}
	return to
}

// sortedVerints returns the indexes of the Verint- headers, sorted by name.
func (h *Head) sortedVerints() []uint8 {
	verints := h.appendVerints(nil)
	h.sortByName(verints)
	return verints
}

func newSalt() string {
	var salt [saltBytes]byte
	rand.Read(salt[:])
	return base64.RawURLEncoding.EncodeToString(salt[:])
}

func signVrnt1(h *Head, salt, keyID string, key []byte, now time.Time) ([]Header, error) {
	now = now.UTC().Truncate(time.Second)
	if now.IsZero() || now.Year() < 0 || now.Year() > 9999 {
		return nil, malformed("time that has no iat")
	}
	v := Vrnt1Header{Salt: salt, IssuedAt: now, KeyID: keyID}
	v.Tag = MAC(key, vrnt1Message(nil, h, h.Path(), salt, formatIssuedAt(now), nil, 0))
	add := Header{Name: authorizationName, Value: v.String()}
	if !h.fits(add) {
		return nil, malformed("head too long with its signature")
	}
	return []Header{add}, nil
}

// SortedVerint reports whether the Verint- headers of h are sorted by their lower-cased names. Some clients
// sign them sorted and others as sent. Sorted headers are the same to both, so signers warn if they are not.
func SortedVerint(h *Head) bool {
	last := ""
	for i := range h.fields {
		name := h.name(i)
		if !isVerint(name) {
			continue
		}
		if compareFold(last, name) > 0 {
			return false
		}
		last = name
	}
	return true
}
