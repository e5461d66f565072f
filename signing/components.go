package signing

import "strings"

// maxComponents is far above the handful that clients sign.
const maxComponents = 64

// The components that the profile requires, as bits.
const (
	coversMethod = 1 << iota
	coversAuthority
	coversPath
	coversQuery
	coversTargetURI
	coversDigest
)

// components are the names that a signature covers (RFC 9421 section 2), without duplicates.
type components struct {
	names  []string // must not be changed, because usualNames are shared
	covers uint8
}

// usualNames are the names that the profile requires, without and with a query. A signature also covers the
// digest if there is a body.
var usualNames = [2][]string{
	{"@method", "@authority", "@path", "content-digest"},
	{"@method", "@authority", "@path", "@query", "content-digest"},
}

// parseUsual consumes the list that most signers write, without looking at each name.
func (c *components) parseUsual(f *fields) bool {
	rest := *f
	if !rest.consume(`("@method" "@authority" "@path"`) {
		return false
	}
	names, n, covers := usualNames[0], 3, uint8(coversMethod|coversAuthority|coversPath)
	if rest.consume(` "@query"`) {
		names, n, covers = usualNames[1], 4, covers|coversQuery
	}
	if rest.consume(` "content-digest"`) {
		n, covers = n+1, covers|coversDigest
	}
	if !rest.consume(")") {
		return false
	}
	*f, c.names, c.covers = rest, names[:n:n], covers
	return true
}

// parse consumes an inner list of strings without parameters.
func (c *components) parse(f *fields) error {
	if c.parseUsual(f) {
		return nil
	}
	return c.parseList(f)
}

// parseList consumes any list.
func (c *components) parseList(f *fields) error {
	if !f.consume("(") {
		return malformed("signature input without a list of components")
	}
	c.names = make([]string, 0, 8)
	var seen nameSet
	for !f.consume(")") {
		if len(c.names) > 0 && !f.consume(" ") {
			return malformed("list of components, or one with parameters")
		}
		name, ok := f.unescaped() // a token has no escapes
		if !ok || !seen.add(name) || !c.add(name) {
			return malformed("component %d", len(c.names)+1)
		}
	}
	return nil
}

// add appends a name that is known and does not name the signature itself. Its caller checks for duplicates.
func (c *components) add(name string) bool {
	switch name {
	case "@method":
		c.covers |= coversMethod
	case "@authority":
		c.covers |= coversAuthority
	case "@path":
		c.covers |= coversPath
	case "@query":
		c.covers |= coversQuery
	case "@target-uri":
		c.covers |= coversTargetURI
	case "content-digest":
		c.covers |= coversDigest
	case "signature", "signature-input":
		return false
	default:
		if !isAll(name, lowerChars, 1, len(name)) {
			return false
		}
	}
	c.names = append(c.names, name)
	return true
}

// checkCoverage refuses a signature that does not cover everything that the profile requires.
func (c *components) checkCoverage(h *Head) error {
	want := uint8(coversMethod)
	if c.covers&coversTargetURI == 0 {
		want |= coversAuthority | coversPath
		if h.path < len(h.target) {
			want |= coversQuery
		}
	}
	body, err := h.announcesBody()
	if err != nil {
		return err
	}
	if body {
		want |= coversDigest
	}
	if c.covers&want != want {
		return malformed("signature does not cover method, authority, path, query and the digest of a body")
	}
	return nil
}

// digest returns the covered Content-Digest, or "" if none is covered.
func (c *components) digest(h *Head) (string, error) {
	if c.covers&coversDigest == 0 {
		return "", nil
	}
	value, lines := h.find(contentDigestName)
	if lines > 1 {
		value = strings.Join(h.Values(contentDigestName), ", ")
	}
	if _, err := ParseContentDigest(value); err != nil {
		return "", err
	}
	return value, nil
}

// announcesBody reports whether a body follows the head (RFC 9112 section 6.3). It fails with [ErrMalformed]
// for two lengths, and for a length that readers could take differently.
func (h *Head) announcesBody() (bool, error) {
	body, lengths := false, 0
	if !h.framed {
		return false, nil
	}
	for i := range h.fields {
		name := h.name(i)
		switch len(name) { // few other names have these lengths
		case len(transferEncodingName):
			body = body || equalFold(name, transferEncodingName)
		case len(contentLengthName):
			if !equalFold(name, contentLengthName) {
				continue
			}
			f := fields{h.value(i)}
			n, ok := f.number()
			if lengths++; lengths > 1 || h.value(i) != "0" && (!ok || f.rest != "") {
				return false, malformed("content length, or a second one")
			}
			body = body || n > 0
		}
	}
	return body, nil
}

// signatureBase appends the bytes under the MAC to b (RFC 9421 section 2.5): a line `"name": value` for each
// component, and the parameters.
func signatureBase(b []byte, h *Head, names []string, params string) ([]byte, error) {
	in := h.finderFor(names)
	for _, name := range names {
		var ok bool
		if b, ok = in.appendComponent(b, name); !ok {
			return nil, malformed("component that the head has not, or Host that is none")
		}
		b = append(b, '\n')
	}
	return append(append(b, `"@signature-params": `...), params...), nil
}

// appendComponent appends the name and value of a component (RFC 9421 sections 2.1 and 2.2). It returns false
// if the head does not have the component.
func (f *finder) appendComponent(b []byte, name string) ([]byte, bool) {
	h := f.head
	switch name {
	case "@method":
		return append(append(b, `"@method": `...), h.method...), true
	case "@authority":
		return appendAuthority(append(b, `"@authority": `...), h)
	case "@path":
		return append(append(b, `"@path": `...), h.Path()...), true
	case "@query":
		query, _ := h.Query()
		return append(append(b, `"@query": ?`...), query...), true
	case "@target-uri":
		b, ok := appendAuthority(append(b, `"@target-uri": https://`...), h)
		return append(b, h.target...), ok
	}
	b = append(append(append(b, '"'), name...), `": `...)
	found := false
	for i := f.next(name, 0); i >= 0; i = f.next(name, i+1) {
		if found {
			b = append(b, ", "...)
		}
		b, found = append(b, h.value(i)...), true
	}
	return b, found
}

// appendAuthority appends Host in lower case without a default port. A head does not tell its URL's scheme, so
// both :80 and :443 are dropped.
func appendAuthority(b []byte, h *Head) ([]byte, bool) {
	text, _ := h.lookup(host)
	if isPlainHost(text) {
		return append(b, text...), true
	}
	name, port := splitPort(text)
	if !isHostname(name) || port != "" && !isPort(port) {
		return b, false
	}
	if port == ":443" || port == ":80" {
		text = name
	}
	return appendLower(b, text), true
}

// isPlainHost reports whether s is a lower-case name or an IPv4 address without a port, as most hosts are.
func isPlainHost(s string) bool {
	return isAll(s, plainHostChars, 1, maxHost)
}

// splitPort splits a host at the colon after its name or bracketed address.
func splitPort(host string) (name, port string) {
	start := strings.IndexByte(host, ']') + 1
	if i := strings.IndexByte(host[start:], ':'); i >= 0 {
		return host[:start+i], host[start+i:]
	}
	return host, ""
}

// isPort reports whether s is a colon and 1 to 5 digits.
func isPort(s string) bool {
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 6
}

const maxHost = 255 // bytes of a name

// isHostname reports whether s is a host by RFC 3986 section 3.2.2 that can name a server: a name, an IPv4
// address, or an IPv6 address in brackets. Escapes and sub-delimiters are refused, because no such name has
// them.
func isHostname(s string) bool {
	if s == "" || len(s) > maxHost {
		return false
	}
	address := s[0] == '['
	if address {
		if len(s) < 4 || s[len(s)-1] != ']' {
			return false
		}
		s = s[1 : len(s)-1]
	}
	for i := range len(s) {
		c := lower(s[i])
		hex := isDigit(c) || 'a' <= c && c <= 'f' || c == '.'
		if address && !hex && c != ':' || !address && !hex && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}
