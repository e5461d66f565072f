package signing

import "strings"

// vrnt1Params are the parameters in strict order.
var vrnt1Params = [...]string{"salt", "iat", "kid", "sig"}

// parseLenientVrnt1 is like [ParseVrnt1Header], but accepts deviations of form, which it returns.
func parseLenientVrnt1(s string) (v Vrnt1Header, form variantSet, err error) {
	rest, ok := strings.CutPrefix(s, vrnt1Prefix)
	if !ok {
		return v, 0, malformed("authorization not of scheme %s", Vrnt1)
	}
	var seen [len(vrnt1Params)]bool
	for n, more := 0, true; more; n++ {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		trimmed := strings.Trim(item, " ")
		if trimmed != item {
			form |= paramWhitespace
		}
		name, value, _ := strings.Cut(trimmed, "=")
		which := indexOf(name)
		if which < 0 || seen[which] {
			return Vrnt1Header{}, 0, malformed("parameter unknown or given twice")
		}
		if which != n {
			form |= paramOrder
		}
		seen[which] = true
		std, ok := v.set(name, value)
		if !ok {
			return Vrnt1Header{}, 0, malformed("%s", vrnt1Params[which])
		}
		if std {
			form |= sigStdBase64
		}
	}
	if seen != [len(vrnt1Params)]bool{true, true, true, true} {
		return Vrnt1Header{}, 0, malformed("parameter missing")
	}
	return v, form, nil
}

func indexOf(name string) int {
	for i, known := range vrnt1Params {
		if name == known {
			return i
		}
	}
	return -1
}

// set parses one parameter. std reports that it is a sig in another base64 than the strict one.
func (v *Vrnt1Header) set(name, value string) (std, ok bool) {
	switch name {
	case "salt":
		v.Salt, ok = value, isWord(value, minSalt, maxSalt)
	case "iat":
		v.IssuedAt, ok = parseIssuedAt(value)
	case "kid":
		v.KeyID, ok = value, ValidKeyID(value)
	case "sig":
		if parseTag(&v.Tag, value) {
			return false, true
		}
		ok = parseStdTag(&v.Tag, value)
		return true, ok
	}
	return false, ok
}

// parseStdTag parses a tag in either base64 alphabet, but not a mixture, with or without padding, and without
// stray bits.
func parseStdTag(tag *[TagSize]byte, s string) bool {
	if strings.ContainsAny(s, "-_") {
		bare, padded := strings.CutSuffix(s, "=")
		if !padded {
			return false
		}
		return parseTag(tag, bare)
	}
	if len(s) == tagChars {
		s += "="
	}
	return parsePaddedTag(tag, s)
}
