package signing

import "slices"

// Covered returns the names, in lower case, of the header fields that the
// signature covers, each once: the Verint- headers of a Vrnt1 call, sorted, or
// the fields among the components of an RFC9421 call, in their order. For a
// message there are none. A handler that is to see nothing but what was signed
// sees these. Vrnt1 covers values without regard to the case of A-Z.
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
	value, _ := c.head.lookup(signatureInput)
	if in.parse(value) != nil {
		return nil // no call was parsed from such a head
	}
	for _, name := range in.components.names {
		if name[0] != '@' {
			names = append(names, name)
		}
	}
	return names
}
