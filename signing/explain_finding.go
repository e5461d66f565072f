package signing

// knownFinding is a finding that can be made.
type knownFinding struct {
	id      string
	text    string
	variant Variant
}

func (k knownFinding) finding() Finding { return Finding{k.id, k.text, k.variant} }

// forScheme returns the finding without a variant that another scheme has.
func (k knownFinding) forScheme(s Scheme) Finding {
	if k.variant.Scheme() != s {
		k.variant = ""
	}
	return k.finding()
}

// with returns the finding with more about this call.
func (k knownFinding) with(more string) Finding { return Finding{k.id, more + " " + k.text, k.variant} }

func newFinding(id, text string, variant ...Variant) knownFinding {
	k := knownFinding{id: id, text: text}
	if len(variant) > 0 {
		k.variant = variant[0]
	}
	return k
}
