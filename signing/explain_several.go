package signing

import (
	"slices"
	"strings"
)

// meant returns the Signature-Input and the Signature to explain: those that are
// judged, or else those that were most likely meant for us, and what is wrong with
// there being several.
func meant(h *Head) (input, tag string, tagged bool, wrong []knownFinding) {
	if input, tag, err := h.chosen(); err == nil {
		return input, tag, true, nil
	}
	input, _ = h.lookup(signatureInput)
	inputs, err := h.members(signatureInputName, (*fields).skipInput)
	switch {
	case err == nil:
		var one bool
		if input, one = likely(inputs); !one {
			wrong = append(wrong, severalSignatures)
		}
	case h.several:
		wrong = append(wrong, inputMalformed)
	}
	label, _, _ := strings.Cut(input, "=")
	lines := h.Values(signatureName)
	if len(lines) == 0 {
		return input, "", false, wrong
	}
	tags, err := h.members(signatureName, (*fields).skipTag)
	if err == nil && inputs != nil && !sameLabels(inputs, tags) {
		wrong = append(wrong, labelDiffers)
	}
	for item := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if item = strings.Trim(item, " "); strings.HasPrefix(item, label+"=") {
			return input, item, true, wrong
		}
	}
	return input, lines[0], true, wrong
}

// likely returns the member that is judged, or else one that could be.
func likely(inputs []member) (text string, one bool) {
	if m, one := pick(inputs); one {
		return m.text, true
	}
	for _, is := range []func(m member) bool{
		func(m member) bool { return m.ours },
		func(m member) bool { return new(inputMember).parse(m.text) == nil },
	} {
		if i := slices.IndexFunc(inputs, is); i >= 0 {
			return inputs[i].text, false
		}
	}
	return inputs[0].text, false
}
