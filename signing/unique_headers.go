package signing

// uniqueHeader is a header that a head may have only once, because another reader could use the second one. From
// firstCombined on, several lines are one dictionary.
type uniqueHeader uint8

const (
	authorization uniqueHeader = iota
	host
	signature
	signatureInput
	uniqueHeaders
	uniqueVerint // once for each name
	repeatable   = ^uniqueHeader(0)

	firstCombined = signature
)

// checkVerints refuses repeated Verint- headers. It sorts them, so that a hundred long names cost little more
// than a few.
func (h *Head) checkVerints(verints []uint8) error {
	h.sortByName(verints)
	for n := 1; n < len(verints); n++ {
		i, j := verints[n-1], verints[n]
		if equalFold(h.name(int(i)), h.name(int(j))) {
			return malformed("repeated header in line %d", max(i, j)+2)
		}
	}
	return nil
}

// uniqueHeaderOf distinguishes names by length and first letter, because few other names share both.
func uniqueHeaderOf(name string) uniqueHeader {
	if name == "" {
		return repeatable // an http.Header may have an empty name
	}
	switch name[0] {
	case 'v', 'V':
		if isVerint(name) {
			return uniqueVerint
		}
	case 'a', 'A':
		return uniqueHeaderIf(name, authorizationName, authorization)
	case 'h', 'H':
		return uniqueHeaderIf(name, hostName, host)
	case 's', 'S':
		if len(name) == len(signatureName) {
			return uniqueHeaderIf(name, signatureName, signature)
		}
		return uniqueHeaderIf(name, signatureInputName, signatureInput)
	}
	return repeatable
}

func uniqueHeaderIf(name, want string, s uniqueHeader) uniqueHeader {
	if equalFold(name, want) {
		return s
	}
	return repeatable
}

// lookup returns the value of a header that a head has at most once, or the first line of a dictionary.
func (h *Head) lookup(s uniqueHeader) (string, bool) {
	at := h.single[s]
	if at == 0 {
		return "", false
	}
	return h.value(int(at) - 1), true
}
