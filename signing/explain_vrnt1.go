package signing

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// claimsVrnt1 also accepts values without the scheme's name, or with another one.
func claimsVrnt1(value string) bool {
	return isVrnt1(value) || strings.Contains(value, "salt=") && strings.Contains(value, "sig=")
}

// maxParams bounds the parameters of a leniently read signature.
const maxParams = 16

// readVrnt1 reads an Authorization value as far as possible.
func (a *Attempt) readVrnt1(value string) {
	a.Scheme = Vrnt1
	rest, exact := strings.CutPrefix(value, vrnt1Prefix)
	if !exact {
		a.found(schemeName)
		rest = value
		if word, after, ok := strings.Cut(value, " "); ok && !strings.Contains(word, "=") {
			rest = after
		}
	}
	sent := a.vrnt1Params(rest)
	var missing []string
	for _, name := range vrnt1Params {
		if _, ok := sent[name]; !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		a.keep(paramMissing.with("Of the parameters there is no " + strings.Join(missing, ", ") + "."))
	}
	salt, given := sent["salt"]
	if given && !isWord(salt, 8, 128) {
		a.found(saltMalformed)
	}
	if keyID, given := sent["kid"]; ValidKeyID(keyID) {
		a.KeyID = keyID
	} else if given {
		a.found(kidMalformed)
	}
	iat, given := sent["iat"]
	if given {
		a.readIssuedAt(iat)
	}
	if sig, given := sent["sig"]; given {
		a.readVrnt1Tag(sig)
	}
	if salt == "" || a.Time.IsZero() {
		return
	}
	a.StringToSign = string(vrnt1Message(nil, a.head, a.head.Path(), salt, formatIssuedAt(a.Time), nil, 0))
	a.try = func(s *search, body []byte) {
		draft := vrnt1Draft{fields: []string{salt, a.head.method, a.head.Path(), iat}, colon: ":", eol: "\n", end: "\n"}
		for i := range a.head.fields {
			if isVerint(a.head.name(i)) {
				draft.headers = append(draft.headers, Header{a.head.name(i), a.head.value(i)})
			}
		}
		tryVrnt1(s, a.head, draft, a.Time, a.KeyID, string(body))
	}
}

// vrnt1Params returns the parameters by name, and adds findings on how they are written.
func (a *Attempt) vrnt1Params(rest string) map[string]string {
	sent, last := make(map[string]string), 0
	for _, item := range strings.SplitN(rest, ",", maxParams) {
		trimmed := strings.Trim(item, " ")
		name, value, _ := strings.Cut(trimmed, "=")
		bare, bareValue := strings.TrimRight(name, " "), strings.TrimLeft(value, " ")
		if trimmed != item || bare != name || bareValue != value {
			a.found(paramBlanks)
		}
		if len(bareValue) >= 2 && bareValue[0] == '"' && bareValue[len(bareValue)-1] == '"' {
			bareValue = bareValue[1 : len(bareValue)-1]
			a.found(paramQuoted)
		}
		which := indexOf(bare)
		if which < 0 {
			a.found(paramUnknown)
			continue
		}
		if _, twice := sent[bare]; twice {
			a.found(paramRepeated)
			continue
		}
		if which < last {
			a.found(paramsReordered)
		}
		last = which
		sent[bare] = bareValue
	}
	return sent
}

// readIssuedAt reads a time in any form.
func (a *Attempt) readIssuedAt(text string) {
	if t, ok := parseIssuedAt(text); ok {
		a.Time = t
		return
	}
	if t, ok := unixTime(text); ok {
		a.Time = t
		a.found(iatUnix)
		return
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	} {
		t, err := time.Parse(layout, text)
		if err != nil || t.IsZero() || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
			continue
		}
		a.Time = t.UTC().Truncate(time.Second)
		switch {
		case strings.Contains(text, " "):
			a.found(iatMalformed)
		case strings.ContainsAny(text, ".,"):
			a.found(iatFraction)
		case !strings.HasSuffix(text, "Z"):
			a.found(iatZone)
		default:
			a.found(iatMalformed)
		}
		return
	}
	a.found(iatMalformed)
}

// unixTime reads Unix seconds or milliseconds of recent decades.
func unixTime(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || text[0] == '+':
		return time.Time{}, false
	case len(text) == 10:
		return time.Unix(n, 0).UTC(), true
	case len(text) == 13:
		return time.UnixMilli(n).UTC().Truncate(time.Second), true
	}
	return time.Time{}, false
}

// readVrnt1Tag reads a sig in any encoding.
func (a *Attempt) readVrnt1Tag(sig string) {
	if a.tagged = parseTag(&a.tag, sig); a.tagged {
		return
	}
	if a.tagged = parseStdTag(&a.tag, sig); a.tagged {
		a.found(sigStandard)
		return
	}
	a.readOddTag(sig)
}

// readOddTag reads a tag in encodings that no scheme uses.
func (a *Attempt) readOddTag(sig string) {
	if a.tag, a.tagged = hexTag(sig); a.tagged {
		a.found(sigHex)
		return
	}
	text := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(sig)
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err == nil {
		if a.tag, a.tagged = hexTag(string(b)); a.tagged {
			a.found(sigHexInBase64)
			return
		}
		if n := len(b); n > 0 && n != TagSize {
			a.keep(sigMalformed.with("What is sent decodes to " + strconv.Itoa(n) + " bytes."))
			return
		}
	}
	a.found(sigMalformed)
}

func hexTag(text string) (tag [TagSize]byte, ok bool) {
	if len(text) != hex.EncodedLen(TagSize) {
		return tag, false
	}
	n, err := hex.Decode(tag[:], []byte(text))
	return tag, err == nil && n == TagSize
}
