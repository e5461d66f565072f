package signing

// knownFinding is a finding of the fixed list.
type knownFinding struct {
	id      string
	text    string
	variant Variant
}

func (k knownFinding) finding() Finding { return Finding{k.id, k.text, k.variant} }

// forScheme returns the finding without a variant of another scheme.
func (k knownFinding) forScheme(s Scheme) Finding {
	if k.variant.Scheme() != s {
		k.variant = ""
	}
	return k.finding()
}

// with returns the finding with a detail of this call before its text.
func (k knownFinding) with(more string) Finding { return Finding{k.id, more + " " + k.text, k.variant} }

func newFinding(id, text string, variant ...Variant) knownFinding {
	k := knownFinding{id: id, text: text}
	if len(variant) > 0 {
		k.variant = variant[0]
	}
	return k
}
