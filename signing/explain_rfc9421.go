package signing

import (
	"slices"
	"strings"
	"time"
)

// lenientInput is a Signature-Input, read as far as possible.
type lenientInput struct {
	label  string
	names  []string
	params string // from the parenthesis on, as received
	sent   map[string]string
}

// read9421 reads Signature-Input and Signature.
func (a *Attempt) read9421() {
	a.Scheme = RFC9421
	if _, given := a.head.lookup(signatureInput); !given {
		a.found(inputMissing)
		return
	}
	input, tag, tagged, wrong := meant(a.head)
	for _, k := range wrong {
		a.found(k)
	}
	in, ok := a.lenientInput(input)
	if !ok {
		a.found(inputMalformed)
		return
	}
	a.readParams(in)
	a.checkComponents(in)
	if tagged {
		a.read9421Tag(tag, in.label)
	} else {
		a.found(signatureMissing)
	}
	if base, err := signatureBase(nil, a.head, in.names, in.params); err == nil && len(in.names) > 0 {
		a.StringToSign = string(base)
		a.try = func(s *search, body []byte) { try9421(s, a.head, in, body) }
	}
	if len(a.Findings) > 0 {
		return
	}
	// The other cases are rare and share one finding.
	if new(Call).parse9421(a.head, nil, false) != nil {
		a.found(inputMalformed)
	}
}

// lenientInput splits one member of a Signature-Input.
func (a *Attempt) lenientInput(value string) (*lenientInput, bool) {
	label, rest, ok := strings.Cut(value, "=")
	if !ok || label == "" || len(label) > maxLabel || strings.ContainsAny(label, `("`) {
		return nil, false
	}
	in := &lenientInput{
		label:  strings.Trim(label, " "),
		params: strings.TrimLeft(rest, " "),
		sent:   make(map[string]string),
	}
	list, rest, ok := strings.Cut(in.params, ")")
	if !ok || !strings.HasPrefix(list, "(") {
		return nil, false
	}
	for name := range strings.FieldsSeq(list[1:]) {
		bare := strings.Trim(name, `"`)
		if len(in.names) == maxComponents || bare == "" {
			return nil, false
		}
		if `"`+bare+`"` != name || !new(components).add(bare) || slices.Contains(in.names, bare) {
			a.found(componentBad)
		}
		in.names = append(in.names, bare)
	}
	for n, item := range strings.SplitN(rest, ";", maxParams) {
		name, value, _ := strings.Cut(strings.Trim(item, " "), "=")
		if n == 0 {
			if item != "" {
				a.found(inputMalformed)
			}
			continue
		}
		if _, twice := in.sent[name]; twice || !slices.Contains(paramNames, name) {
			a.found(paramUnsupported)
			continue
		}
		in.sent[name] = value
	}
	return in, true
}

var paramNames = []string{"created", "expires", "keyid", "nonce", "alg", "tag"}

// readParams checks each parameter.
func (a *Attempt) readParams(in *lenientInput) {
	a.readCreated(in)
	keyID, quoted := unquoted(in.sent["keyid"])
	switch _, given := in.sent["keyid"]; {
	case !given:
		a.found(keyidMissing)
	case ValidKeyID(keyID):
		a.KeyID = keyID
		if !quoted {
			a.found(inputMalformed)
		}
	default:
		a.found(kidMalformed)
	}
	if value, given := in.sent["nonce"]; !given {
		a.found(nonceMissing)
	} else if nonce, quoted := unquoted(value); !quoted || !isNonce(nonce) {
		a.found(nonceMalformed)
	}
	if value, given := in.sent["alg"]; given && value != `"`+algorithmName+`"` {
		a.found(algUnsupported)
	}
	if value, given := in.sent["expires"]; given {
		f := fields{value}
		n, ok := f.number()
		if !ok || f.rest != "" || n > maxTimestamp || !a.Time.IsZero() && n < a.Time.Unix() {
			a.found(expiresMalformed)
		}
	}
}

func (a *Attempt) readCreated(in *lenientInput) {
	value, given := in.sent["created"]
	if !given {
		a.found(createdMissing)
		return
	}
	f := fields{value}
	n, ok := f.number()
	switch {
	case ok && f.rest == "" && n <= maxTimestamp:
		a.Time = time.Unix(n, 0).UTC()
	case ok && f.rest == "" && len(value) == 13:
		a.Time = time.UnixMilli(n).UTC().Truncate(time.Second)
		a.found(createdMillis)
	default:
		bare, _ := unquoted(value)
		bare, _, _ = strings.Cut(bare, ".")
		if t, ok := unixTime(bare); ok {
			a.Time = t
		}
		a.found(createdMalformed)
	}
}

func unquoted(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1], true
	}
	return value, false
}

// checkComponents checks which components are covered.
func (a *Attempt) checkComponents(in *lenientInput) {
	var missing, absent []string
	for _, name := range a.mandatory(in) {
		if !slices.Contains(in.names, name) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		a.keep(componentMissing.with("Not covered: " + strings.Join(missing, ", ") + "."))
	}
	find := a.head.finderFor(in.names)
	for _, name := range in.names {
		if _, ok := find.appendComponent(nil, name); ok {
			continue
		}
		if name == "@authority" || name == "@target-uri" {
			a.found(hostMissing)
		} else if isAll(name, lowerChars, 1, maxLabel) {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		a.keep(componentAbsent.with("The call has no " + strings.Join(absent, ", ") + "."))
	}
	if !slices.Contains(in.names, "content-digest") {
		return
	}
	value := strings.Join(a.head.Values(contentDigestName), ", ")
	if _, err := ParseContentDigest(value); err != nil && value != "" {
		a.found(digestMalformed)
	}
}

// mandatory returns the components that the profile requires of this head.
func (a *Attempt) mandatory(in *lenientInput) []string {
	want := []string{"@method"}
	if !slices.Contains(in.names, "@target-uri") {
		want = append(want, "@authority", "@path")
		if _, has := a.head.Query(); has {
			want = append(want, "@query")
		}
	}
	body, err := a.head.announcesBody()
	if err != nil {
		a.found(lengthMalformed)
	}
	if body {
		want = append(want, "content-digest")
		if _, lines := a.head.find(contentDigestName); lines == 0 {
			a.found(digestMissing)
		}
	}
	return want
}

// read9421Tag reads Signature in any encoding.
func (a *Attempt) read9421Tag(value, label string) {
	if a.tagged = parseSignature(&a.tag, value, label); a.tagged {
		return
	}
	name, text, ok := strings.Cut(value, "=")
	if !ok || name != label || strings.Contains(text, ",") {
		a.found(labelDiffers)
		return
	}
	inner, colons := text, false
	if len(text) >= 2 && text[0] == ':' && text[len(text)-1] == ':' {
		inner, colons = text[1:len(text)-1], true
	}
	if !colons {
		inner, _ = unquoted(inner)
	}
	if a.tagged = parsePaddedTag(&a.tag, inner); a.tagged {
		a.found(sigNoColons)
		return
	}
	bare := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(inner, "="))
	if a.tagged = parseTag(&a.tag, bare); a.tagged {
		a.found(sigURL)
		return
	}
	a.readOddTag(inner)
}

// readTagged reads "v1:<key_id>:<tag>" as far as possible.
func (a *Attempt) readTagged(signature string) {
	a.Scheme = HMACSHA256
	parts := strings.Split(signature, ":")
	switch {
	case len(parts) == 3 && parts[0]+":" == tagVersion:
		parts = parts[1:]
	case len(parts) == 3 || len(parts) == 2:
		parts = parts[len(parts)-2:]
		a.found(versionPrefix)
	default:
		a.found(versionPrefix)
		return
	}
	if ValidKeyID(parts[0]) {
		a.KeyID = parts[0]
	} else {
		a.found(kidMalformed)
	}
	if a.tagged = parseTag(&a.tag, parts[1]); a.tagged {
		return
	}
	if a.tagged = parseStdTag(&a.tag, parts[1]); a.tagged {
		a.found(sigStandard)
		return
	}
	a.readOddTag(parts[1])
}

// ReadTaggedAttempt reads an hmac-sha256 signature, whatever is wrong with it. StringToSign is the message if
// that is text of at most 32 KiB.
func ReadTaggedAttempt(message []byte, signature string) *Attempt {
	a := new(Attempt)
	a.readTagged(signature)
	if len(message) <= MaxHeadBytes {
		a.StringToSign = strings.ToValidUTF8(string(message), "\uFFFD")
	}
	a.try = func(s *search, _ []byte) { tryTagged(s, message, a.KeyID) }
	return a
}
