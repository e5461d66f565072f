package signing

import "slices"

// Covered returns the names, in lower case, of the header fields that the signature covers, without duplicates.
// For Vrnt1 these are the Verint- headers, sorted. For RFC9421 they are the fields among the components, in
// their order. For a message it returns nil. A handler that must see only signed headers reads these. Vrnt1
// signs values without regard to the case of A-Z.
func (c *Call) Covered() []string {
	if c.head == nil {
		return nil
	}
	if c.Scheme == RFC9421 {
		return c.coveredComponents()
	}
	var names []string
	for i := range c.head.fields {
		if name := c.head.name(i); isVerint(name) {
			names = append(names, string(appendLower(nil, name)))
		}
	}
	slices.Sort(names)
	return names
}

func (c *Call) coveredComponents() (names []string) {
	var in inputMember
	input, _, err := c.head.chosen()
	if err != nil || in.parse(input) != nil {
		return nil // a parsed call has no such head
	}
	for _, name := range in.components.names {
		if name[0] != '@' {
			names = append(names, name)
		}
	}
	return names
}
