package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// baseDraft is a signature base in parts.
type baseDraft struct {
	lines     []Header // names and values of the components
	last      string   // the value of @signature-params
	bare      bool     // names without quotes
	quoteLast bool     // except in the last line
	noLast    bool
	colon     string
	eol       string
	end       string
}

func (d baseDraft) render() []byte {
	var b []byte
	lines := d.lines
	if !d.noLast {
		lines = append(slices.Clip(lines), Header{"@signature-params", d.last})
	}
	for i, line := range lines {
		if i > 0 {
			b = append(b, d.eol...)
		}
		if d.bare && (i < len(d.lines) || !d.quoteLast) {
			b = append(b, line.Name...)
		} else {
			b = append(append(append(b, '"'), line.Name...), '"')
		}
		b = append(append(b, d.colon...), line.Value...)
	}
	return append(b, d.end...)
}

type baseMistake = mistake[baseDraft]

// setLine replaces the value of a component if it is covered.
func setLine(as knownFinding, p part, name string, value func(string) string) baseMistake {
	return baseMistake{as, p, false, func(d *baseDraft) bool {
		i := slices.IndexFunc(d.lines, func(line Header) bool { return line.Name == name })
		if i < 0 {
			return false
		}
		changed := value(d.lines[i].Value)
		if changed == d.lines[i].Value {
			return false
		}
		d.lines = slices.Clone(d.lines)
		d.lines[i].Value = changed
		return true
	}}
}

func setLast(as knownFinding, value string) baseMistake {
	return baseMistake{as, partParams, false, func(d *baseDraft) bool {
		changed := d.last != value
		d.last = value
		return changed
	}}
}

// onlyAlone marks a mistake that is not tried in pairs, because there are many like it.
func onlyAlone(m baseMistake) baseMistake {
	m.alone = true
	return m
}

func always(value string) func(string) string { return func(string) string { return value } }

// try9421 tries what clients sign instead of the call's right base.
func try9421(s *search, h *Head, in *lenientInput, body []byte) {
	right := baseDraft{last: in.params, colon: ": ", eol: "\n"}
	find := h.finderFor(in.names)
	for _, name := range in.names {
		line, _ := find.appendComponent(nil, name) // the base was made, so every component exists
		right.lines = append(right.lines, Header{name, string(line[len(name)+len(`"": `):])})
	}
	mistakes := slices.Concat(baseValues(h, body), baseLowers(h), baseLayout(), baseParams(in), baseOrders(right.lines))
	searchDrafts(s, right, mistakes, baseDraft.render)
}

func baseValues(h *Head, body []byte) []baseMistake {
	name, _ := h.lookup(host)
	bare, _ := splitPort(name)
	plain := string(appendLower(nil, bare))
	all := []baseMistake{
		setLine(methodCase, partMethod, "@method", func(v string) string { return string(appendLower(nil, v)) }),
		setLine(methodCase, partMethod, "@method", strings.ToUpper),
		setLine(authorityPort, partAuthority, "@authority", always(string(appendLower(nil, name)))),
		setLine(authorityPort, partAuthority, "@authority", always(plain+":443")),
		setLine(authorityPort, partAuthority, "@authority", always(plain+":80")),
		setLine(authorityPort, partAuthority, "@authority", always(plain)),
		setLine(authorityCase, partAuthority, "@authority", always(name)),
		setLine(authorityCase, partAuthority, "@authority", always(bare)),
		setLine(queryInPath, partPath, "@path", always(h.target)),
		setLine(pathUndone, partPath, "@path", unescaped),
		setLine(pathSlash, partPath, "@path", toggleSlash),
		setLine(pathLower, partPath, "@path", func(v string) string { return string(appendLower(nil, v)) }),
		setLine(queryMark, partQuery, "@query", func(v string) string { return strings.TrimPrefix(v, "?") }),
		setLine(queryDecoded, partQuery, "@query", unescaped),
		setLine(
			queryDecoded,
			partQuery,
			"@query",
			func(v string) string { return unescaped(strings.ReplaceAll(v, "+", " ")) },
		),
		setLine(
			targetScheme,
			partPath,
			"@target-uri",
			func(v string) string { return "http://" + strings.TrimPrefix(v, "https://") },
		),
		setLine(targetPath, partPath, "@target-uri", always(h.target)),
	}
	if h.Path() == "/" {
		all = append(all, setLine(pathEmpty, partPath, "@path", always("")),
			setLine(pathEmpty, partPath, "@target-uri", func(v string) string {
				return strings.TrimSuffix(v, h.target) + h.target[1:]
			}))
	}
	for _, encoded := range encodings(h.Path()) {
		all = append(all, onlyAlone(setLine(pathEncoded, partPath, "@path", always(encoded))))
	}
	if body == nil {
		return all
	}
	sum := sha256.Sum256(body)
	for _, value := range []string{
		DigestBody(body), sha256Name + "=:" + hex.EncodeToString(sum[:]) + ":",
		sha256Name + "=" + base64.StdEncoding.EncodeToString(sum[:]),
		base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sum[:]), DigestBody(nil),
	} {
		all = append(all, onlyAlone(setLine(digestSigned, partDigest, "content-digest", always(value))))
	}
	return all
}

func unescaped(v string) string {
	plain, err := url.PathUnescape(v)
	if err != nil {
		return v
	}
	return plain
}

func baseLayout() []baseMistake {
	return []baseMistake{
		{namesUnquoted, partNames, false, func(d *baseDraft) bool { d.bare = true; return true }},
		{namesUnquoted, partNames, false, func(d *baseDraft) bool { d.bare, d.quoteLast = true, true; return true }},
		{paramsLess, partParams, false, func(d *baseDraft) bool { d.noLast = true; return len(d.lines) > 0 }},
		{lineBlank, partBlanks, false, func(d *baseDraft) bool { d.colon = ":"; return true }},
		{baseLF, partEnd, false, func(d *baseDraft) bool { d.end = d.eol; return true }},
		{crlfSigned, partLines, false, func(d *baseDraft) bool {
			d.eol, d.end = "\r\n", strings.ReplaceAll(d.end, "\n", "\r\n")
			return true
		}},
	}
}

func baseParams(in *lenientInput) []baseMistake {
	list, rest, _ := strings.Cut(in.params, ")")
	list += ")"
	all := []baseMistake{
		setLast(paramsLabel, in.label+"="+in.params),
		setLast(paramsUnquoted, strings.ReplaceAll(in.params, `"`, "")),
		setLast(paramsUnquoted, strings.ReplaceAll(list, `"`, "")+rest),
		setLast(paramsUnquoted, list+strings.ReplaceAll(rest, `"`, "")),
	}
	for _, sep := range []string{"; ", " ;", " ; "} {
		all = append(all, onlyAlone(setLast(paramsSpaced, list+strings.ReplaceAll(rest, ";", sep))))
	}
	for _, value := range []string{
		strings.ReplaceAll(list, " ", ", ") + rest, strings.ReplaceAll(list, " ", "") + rest,
		strings.NewReplacer("( ", "(", " )", ")").Replace(list) + strings.ReplaceAll(rest, " ", ""),
	} {
		all = append(all, onlyAlone(setLast(paramsSpaced, value)))
	}
	params := strings.Split(strings.TrimPrefix(rest, ";"), ";")
	if len(params) > maxPermuted || rest == "" {
		return all
	}
	permutations(len(params), func(order []int) {
		all = append(all, onlyAlone(setLast(paramsMoved, list+";"+strings.Join(permuted(params, order), ";"))))
	})
	return all
}

func baseOrders(lines []Header) []baseMistake {
	var all []baseMistake
	reorder := func(alone bool, to []Header) {
		all = append(all, baseMistake{componentsMoved, partOrder, alone, func(d *baseDraft) bool {
			moved := make([]Header, 0, len(to))
			for _, line := range to { // with the values that another mistake may have set
				i := slices.IndexFunc(d.lines, func(l Header) bool { return l.Name == line.Name })
				moved = append(moved, d.lines[i])
			}
			changed := !slices.Equal(moved, d.lines)
			d.lines = moved
			return changed
		}})
	}
	by := func(less func(a, b Header) int) []Header { return slices.SortedStableFunc(slices.Values(lines), less) }
	reorder(false, by(func(a, b Header) int { return strings.Compare(a.Name, b.Name) }))
	reorder(false, by(func(a, b Header) int { return usualPlace(a.Name) - usualPlace(b.Name) }))
	if len(lines) <= maxPermuted {
		permutations(len(lines), func(order []int) { reorder(true, permuted(lines, order)) })
		return all
	}
	reversed := slices.Clone(lines)
	slices.Reverse(reversed)
	reorder(true, reversed)
	for i := range min(len(lines), 2*maxPermuted) {
		for j := range i {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			reorder(true, swapped)
		}
	}
	return all
}

// usualPlace is the position of a component in the order of usual documentation.
func usualPlace(name string) int {
	order := []string{"@method", "@target-uri", "@authority", "@path", "@query", "content-digest"}
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// tryTagged tries what clients sign instead of a message.
func tryTagged(s *search, message []byte, keyID string) {
	set := func(as knownFinding, value []byte) mistake[[]byte] {
		return mistake[[]byte]{as, partMessage, false, func(d *[]byte) bool {
			changed := !bytes.Equal(*d, value)
			*d = value
			return changed
		}}
	}
	mistakes := []mistake[[]byte]{
		set(messageLF, append(slices.Clip(message), '\n')),
		set(messageLF, append(slices.Clip(message), "\r\n"...)),
		set(messageLF, bytes.TrimRight(message, "\r\n")),
		set(
			messageCRLF,
			bytes.ReplaceAll(bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n")),
		),
		set(messageCRLF, bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n"))),
		set(messageEncoded, base64.StdEncoding.AppendEncode(nil, message)),
		set(messageEncoded, base64.RawURLEncoding.AppendEncode(nil, message)),
		set(messageEncoded, hex.AppendEncode(nil, message)),
		set(messagePrefixed, append([]byte(keyID+":"), message...)),
		set(messagePrefixed, append([]byte(tagVersion+keyID+":"), message...)),
	}
	var compact bytes.Buffer
	if json.Compact(&compact, message) == nil {
		mistakes = append(mistakes, set(messageJSON, compact.Bytes()))
	}
	searchDrafts(s, message, mistakes, func(d []byte) []byte { return d })
}

// baseLowers lower the host, or names of headers, by other rules.
func baseLowers(h *Head) (all []baseMistake) {
	name, _ := h.lookup(host)
	bare, port := splitPort(name)
	if port == ":443" || port == ":80" {
		name = bare
	}
	for _, by := range otherLowers {
		all = append(all,
			onlyAlone(setLine(otherLower, partAuthority, "@authority", func(string) string { return by(name) })),
			baseMistake{otherLower, partNames, true, func(d *baseDraft) bool {
				lines := slices.Clone(d.lines)
				for _, sent := range h.Headers() {
					i := slices.IndexFunc(lines, func(line Header) bool { return equalFold(line.Name, sent.Name) })
					if i >= 0 {
						lines[i].Name = by(sent.Name)
					}
				}
				changed := !slices.Equal(lines, d.lines)
				d.lines = lines
				return changed
			}})
	}
	return all
}
