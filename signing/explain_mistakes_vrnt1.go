package signing

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// vrnt1Draft is a string to sign of Vrnt-1 in parts.
type vrnt1Draft struct {
	fields    []string // salt, method, path, time
	headers   []Header // the Verint- headers
	keepName  bool
	keepValue bool
	colon     string
	body      string // in the place of the headers
	eol       string
	end       string // after the last header line
	cut       bool   // the last header line has no end either
}

const (
	atSalt = iota
	atMethod
	atPath
	atTime
)

func (d vrnt1Draft) render() []byte {
	var b []byte
	for _, f := range d.fields {
		b = append(append(b, f...), d.eol...)
	}
	for _, h := range d.headers {
		if d.keepName {
			b = append(b, h.Name...)
		} else {
			b = appendLower(b, h.Name)
		}
		b = append(b, d.colon...)
		if d.keepValue {
			b = append(b, h.Value...)
		} else {
			b = appendLower(b, h.Value)
		}
		b = append(b, d.eol...)
	}
	b = append(b, d.body...)
	if d.cut {
		return b[:len(b)-len(d.eol)]
	}
	return append(b, d.end...)
}

// set replaces a field in a copy of the fields.
func (d *vrnt1Draft) set(at int, value string) bool {
	if d.fields[at] == value || value == "" {
		return false
	}
	d.fields = slices.Clone(d.fields)
	d.fields[at] = value
	return true
}

func setField(as knownFinding, p part, at int, value string) mistake[vrnt1Draft] {
	return mistake[vrnt1Draft]{as, p, false, func(d *vrnt1Draft) bool { return d.set(at, value) }}
}

// tryVrnt1 tries what clients sign instead of d, the call's right text.
func tryVrnt1(s *search, h *Head, d vrnt1Draft, stamp time.Time, keyID, body string) {
	mistakes := slices.Concat(
		vrnt1Paths(h),
		vrnt1Headers(d.headers),
		vrnt1Lowers(d.headers),
		vrnt1Texts(h, keyID, body),
		vrnt1Times(d.fields[atTime], stamp),
	)
	searchDrafts(s, d, mistakes, vrnt1Draft.render)
}

func vrnt1Paths(h *Head) []mistake[vrnt1Draft] {
	path := h.Path()
	var all []mistake[vrnt1Draft]
	add := func(as knownFinding, value string) {
		if value != path {
			all = append(all, setField(as, partPath, atPath, value))
		}
	}
	if value, ok := decodedPath(path); ok {
		add(pathUndone, value)
	} else if value, err := url.PathUnescape(path); err == nil {
		add(pathUndoneBadly, value)
	}
	add(queryInPath, h.target)
	add(pathSlash, toggleSlash(path))
	for _, value := range encodings(path) {
		add(pathEncoded, value)
	}
	add(pathLower, string(appendLower(nil, path)))
	add(pathFirstSlash, path[1:])
	all = append(all, mistake[vrnt1Draft]{pathEmpty, partPath, false, func(d *vrnt1Draft) bool {
		d.fields = slices.Clone(d.fields)
		d.fields[atPath] = ""
		return path == "/"
	}})
	if name, ok := h.lookup(host); ok {
		for _, before := range []string{"https://", "http://", ""} {
			add(fullURL, before+name+path)
			add(fullURL, before+name+h.target)
		}
	}
	return all
}

func toggleSlash(path string) string {
	if cut, ok := strings.CutSuffix(path, "/"); ok && cut != "" {
		return cut
	}
	return path + "/"
}

// encodings returns other percent-encodings of a path that clients make: encoded once more, encoded wherever
// possible, and with digits of the other case.
func encodings(path string) []string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil
	}
	segments := strings.Split(plain, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	full := strings.Join(segments, "/")
	return []string{
		strings.ReplaceAll(path, "%", "%25"),
		full,
		(&url.URL{Path: plain}).EscapedPath(),
		lowerEscapes(path),
		lowerEscapes(full),
	}
}

func lowerEscapes(path string) string {
	b := []byte(path)
	for i := range b {
		if _, ok := escape(path[i:]); ok {
			b[i+1], b[i+2] = lower(b[i+1]), lower(b[i+2])
		}
	}
	return string(b)
}

func vrnt1Headers(headers []Header) []mistake[vrnt1Draft] {
	var all []mistake[vrnt1Draft]
	add := func(as knownFinding, p part, alone bool, apply func(d *vrnt1Draft) bool) {
		all = append(all, mistake[vrnt1Draft]{as, p, alone, apply})
	}
	reorder := func(as knownFinding, alone bool, to []Header) {
		add(as, partOrder, alone, func(d *vrnt1Draft) bool {
			d.headers = to
			return !slices.Equal(to, headers)
		})
	}
	if len(headers) == 0 {
		return nil
	}
	reorder(headersUnsigned, false, nil)
	sorted := slices.Clone(headers)
	slices.SortStableFunc(sorted, func(a, b Header) int { return compareFold(a.Name, b.Name) })
	reorder(headersByName, false, sorted)
	add(headerCase, partCase, false, func(d *vrnt1Draft) bool {
		d.keepValue = true
		return slices.ContainsFunc(d.headers, func(h Header) bool { return hasUpper(h.Value) })
	})
	add(headerNameCase, partNames, false, func(d *vrnt1Draft) bool {
		d.keepName = true
		return slices.ContainsFunc(d.headers, func(h Header) bool { return hasUpper(h.Name) })
	})
	add(headerBlank, partBlanks, false, func(d *vrnt1Draft) bool {
		d.colon = ": "
		return len(d.headers) > 0
	})
	for i := range headers {
		if len(headers) > 1 && i < 2*maxPermuted {
			reorder(headerUnsigned, true, slices.Delete(slices.Clone(headers), i, i+1))
		}
	}
	if len(headers) <= maxPermuted {
		permutations(len(headers), func(order []int) { reorder(headersMoved, true, permuted(headers, order)) })
	}
	return all
}

// vrnt1Texts are mistakes of the layout and the method, and parts that must not be signed.
func vrnt1Texts(h *Head, keyID, body string) []mistake[vrnt1Draft] {
	all := []mistake[vrnt1Draft]{
		setField(methodCase, partMethod, atMethod, string(appendLower(nil, h.method))),
		setField(methodCase, partMethod, atMethod, strings.ToUpper(h.method)),
		{lfMissing, partEnd, false, func(d *vrnt1Draft) bool { d.end = ""; return true }},
		{lfMissing, partEnd, false, func(d *vrnt1Draft) bool { d.cut = true; return d.body == "" }},
		{lfExtra, partEnd, false, func(d *vrnt1Draft) bool { d.end += d.eol; return true }},
		{crlfSigned, partLines, false, func(d *vrnt1Draft) bool {
			d.eol, d.end = "\r\n", strings.ReplaceAll(d.end, "\n", "\r\n")
			return true
		}},
	}
	if body != "" {
		all = append(all, mistake[vrnt1Draft]{bodySigned, partOrder, false, func(d *vrnt1Draft) bool {
			d.headers, d.body = nil, body
			return !d.cut
		}})
	}
	for at := range 5 {
		if keyID == "" {
			break
		}
		all = append(all, mistake[vrnt1Draft]{kidSigned, partKeyID, at <= atTime, func(d *vrnt1Draft) bool {
			d.fields = slices.Insert(slices.Clone(d.fields), at, keyID)
			return len(d.fields) == 5
		}})
	}
	return all
}

// vrnt1Times are the time in other forms than the one sent. If the sent time is not of the scheme's form, that is
// a finding already.
func vrnt1Times(sent string, stamp time.Time) []mistake[vrnt1Draft] {
	var all []mistake[vrnt1Draft]
	as := iatSigned
	if _, strict := parseIssuedAt(sent); !strict {
		as = knownFinding{}
	}
	add := func(alone bool, value string) {
		m := setField(as, partTime, atTime, value)
		m.alone = alone
		all = append(all, m)
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z",
		"2006-01-02T15:04:05+00:00",
	} {
		add(false, stamp.Format(layout))
	}
	add(false, strconv.FormatInt(stamp.Unix(), 10))
	add(false, strconv.FormatInt(stamp.UnixMilli(), 10))
	for half := -24; half <= 28; half++ {
		there := stamp.Add(time.Duration(half) * zoneStep)
		if half == 0 {
			continue
		}
		add(true, there.Format(time.RFC3339))
		if half%2 == 0 {
			add(true, there.Format("2006-01-02T15:04:05")+fmt.Sprintf("%+03d:00", half/2))
		}
	}
	return all
}

// vrnt1Lowers lower names, values or both by other rules.
func vrnt1Lowers(headers []Header) (all []mistake[vrnt1Draft]) {
	for _, by := range otherLowers {
		for _, of := range []struct{ names, values bool }{{true, true}, {false, true}, {true, false}} {
			lowered := slices.Clone(headers)
			changed := false
			for i, h := range headers {
				if lowered[i] = (Header{string(appendLower(nil, h.Name)), string(appendLower(nil,
					h.Value))}); of.names {
					lowered[i].Name = by(h.Name)
				}
				if of.values {
					lowered[i].Value = by(h.Value)
				}
				changed = changed || !equalFold(lowered[i].Name, h.Name) || !equalFold(lowered[i].Value, h.Value)
			}
			all = append(all, mistake[vrnt1Draft]{otherLower, partCase, true, func(d *vrnt1Draft) bool {
				d.headers, d.keepName, d.keepValue = lowered, true, true
				return changed
			}})
		}
	}
	return all
}
