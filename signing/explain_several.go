package signing

import (
	"slices"
	"strings"
)

// meant returns the Signature-Input and the Signature to explain: those that are
// judged, or else those that were most likely meant for us.
func (a *Attempt) meant() (input, tag string, tagged bool) {
	h := a.head
	if input, tag, err := h.chosen(); err == nil {
		return input, tag, true
	}
	input, _ = h.lookup(signatureInput)
	inputs, err := h.members(signatureInputName, (*fields).skipInput)
	switch {
	case err == nil:
		input = a.likely(inputs)
	case h.several:
		a.found(inputMalformed)
	}
	label, _, _ := strings.Cut(input, "=")
	lines := h.Values(signatureName)
	if len(lines) == 0 {
		return input, "", false
	}
	tags, err := h.members(signatureName, (*fields).skipTag)
	if err == nil && inputs != nil && !sameLabels(inputs, tags) {
		a.found(labelDiffers)
	}
	for item := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if item = strings.Trim(item, " "); strings.HasPrefix(item, label+"=") {
			return input, item, true
		}
	}
	return input, lines[0], true
}

// likely returns the member of ours, or one with a key ID that can be ours, and notes
// that there are several.
func (a *Attempt) likely(inputs []member) string {
	m, one := pick(inputs)
	if one {
		return m.text
	}
	a.found(severalSignatures)
	for _, is := range []func(m member) bool{
		func(m member) bool { return m.ours },
		func(m member) bool { return new(inputMember).parse(m.text) == nil },
	} {
		if i := slices.IndexFunc(inputs, is); i >= 0 {
			return inputs[i].text
		}
	}
	return inputs[0].text
}
