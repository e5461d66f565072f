package signing

import (
	"slices"
	"strings"
)

const maxSignatures = 8

// chosen returns the member of Signature-Input and that of Signature that are
// judged. Of several it is the one with our tag: things on the way, such as a CDN,
// add signatures of their own.
func (h *Head) chosen() (input, tag string, err error) {
	input, given := h.lookup(signatureInput)
	if !given {
		return "", "", malformed("%s without %s", signatureName, signatureInputName)
	}
	if tag, given = h.lookup(signature); !given {
		return "", "", malformed("%s without %s", signatureInputName, signatureName)
	}
	if !h.several && strings.IndexByte(input, ',') < 0 && strings.IndexByte(tag, ',') < 0 {
		return input, tag, nil
	}
	return h.chosenOfSeveral()
}

func (h *Head) chosenOfSeveral() (input, tag string, err error) {
	inputs, err := h.members(signatureInputName, (*fields).skipInput)
	if err != nil {
		return "", "", err
	}
	tags, err := h.members(signatureName, (*fields).skipTag)
	if err != nil {
		return "", "", err
	}
	in, one := pick(inputs)
	if !one {
		return "", "", malformed(`several signatures, and not one of them alone with tag=%q`, ownTag)
	}
	//mutate:false "signatures under other labels than their inputs" TestSeveralSignatures
	if !sameLabels(inputs, tags) {
		return "", "", malformed("labels of signatures and of their inputs differ")
	}
	at := slices.IndexFunc(tags, func(m member) bool { return m.label == in.label })
	return in.text, tags[at].text, nil
}

// members returns the members of a dictionary. Each of its lines is one by itself,
// so that no member is made of two lines.
func (h *Head) members(name string, skip func(*fields) (ours, ok bool)) ([]member, error) {
	var all []member
	for i := range h.fields {
		if !equalFold(h.name(i), name) {
			continue
		}
		f := fields{h.value(i)}
		for more := true; more; {
			//mutate:false "how many signatures a call has" TestSeveralSignatures
			if len(all) == maxSignatures {
				return nil, malformed("more than %d signatures", maxSignatures)
			}
			m, ok := f.member(skip)
			if more = f.rest != ""; !ok || more && !f.comma() {
				return nil, malformed("%s not a dictionary", name)
			}
			//mutate:false "labels given twice" TestSeveralSignatures
			if slices.ContainsFunc(all, func(other member) bool { return other.label == m.label }) {
				return nil, malformed("label of a signature given twice")
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// pick returns the member that is judged: the only one, or the only one of ours.
func pick(inputs []member) (m member, one bool) {
	if len(inputs) == 1 {
		return inputs[0], true
	}
	for _, in := range inputs {
		//mutate:false:2 "two signatures of ours" TestSeveralSignatures
		if in.ours && one {
			return member{}, false
		}
		if in.ours {
			m, one = in, true
		}
	}
	return m, one
}

func sameLabels(a, b []member) bool {
	if len(a) != len(b) {
		return false
	}
	for _, m := range a { // a label comes once
		if !slices.ContainsFunc(b, func(other member) bool { return other.label == m.label }) {
			return false
		}
	}
	return true
}
