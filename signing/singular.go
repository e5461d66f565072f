package signing

// singular is a header of which a head has at most one, since a second one
// could be read instead of the one that was judged.
type singular uint8

const (
	authorization singular = iota
	host
	signature
	signatureInput
	singulars
	verint // one of each name
	many   = ^singular(0)
)

// checkVerints refuses a repeated header among those of the Verint- names. It
// sorts them, so that a head of a hundred long names costs little more than one
// of a few.
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

// singularOf tells the names apart by their first letters, and lengths, which
// few others share.
func singularOf(name string) singular {
	if name == "" {
		return many // from a http.Header, which may hold such a one
	}
	switch name[0] {
	case 'v', 'V':
		if isVerint(name) {
			return verint
		}
	case 'a', 'A':
		return singularIf(name, authorizationName, authorization)
	case 'h', 'H':
		return singularIf(name, hostName, host)
	case 's', 'S':
		if len(name) == len(signatureName) {
			return singularIf(name, signatureName, signature)
		}
		return singularIf(name, signatureInputName, signatureInput)
	}
	return many
}

func singularIf(name, want string, s singular) singular {
	if equalFold(name, want) {
		return s
	}
	return many
}

// lookup returns the value of a header that a head holds at most once.
func (h *Head) lookup(s singular) (string, bool) {
	at := h.single[s]
	if at == 0 {
		return "", false
	}
	return h.value(int(at) - 1), true
}
