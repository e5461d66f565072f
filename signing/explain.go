package signing

import (
	"slices"
	"time"
)

// Finding is one mistake in a call, and what its client must do about it. It contains neither a tag nor a part
// of a key.
type Finding struct {
	ID      string  // in snake_case; docs/integrators.md lists them all
	Text    string  // a sentence or two
	Variant Variant // the variant that makes a key accept the mistake; "" if there is none
}

// The findings that can occur with a right signature too.
const (
	FindingBodyNotGiven   = "body_not_given"
	FindingClockZone      = "clock_zone"
	FindingDigestMismatch = "digest_mismatch"
)

// FindingsBeside lists these findings.
var FindingsBeside = []string{FindingBodyNotGiven, FindingClockZone, FindingDigestMismatch}

// Attempt is a call as its client meant it. Its signature is read as far as possible, even if
// [ParseLenientCall] refuses it. Nothing in it may be trusted. [ReadAttempt] and [ReadTaggedAttempt] make it.
type Attempt struct {
	Scheme Scheme    // the scheme of the signature; "" if there is none
	KeyID  string    // a [ValidKeyID], or ""
	Time   time.Time // the time stamp, UTC; zero if there is none that can be read

	// StringToSign is the text that the scheme signs for the call as received; "" if too little of the call can
	// be read.
	StringToSign string

	// Findings are the mistakes that can be seen without a key.
	Findings []Finding

	tag    [TagSize]byte
	tagged bool // tag could be read
	head   *Head
	try    func(s *search, body []byte)
}

// Explanation is the result of checking an [Attempt] with a key.
type Explanation struct {
	// Signed reports whether the tag is right and the text of the signature is strict.
	Signed bool
	// Skew is how far the call's time stamp is ahead of now, in whole seconds; 0 if the call has none.
	Skew time.Duration
	// Findings are those of the attempt, and the mistakes that produce exactly the tag of the call.
	Findings []Finding
}

// ReadAttempt reads the signature of a head, whatever is wrong with it. It computes no MAC and never fails.
func ReadAttempt(h *Head) *Attempt {
	a := &Attempt{head: h}
	value, given := h.lookup(authorization)
	authorized := given && claimsVrnt1(value)
	switch {
	case authorized && h.has9421():
		a.found(twoSchemes)
	case h.has9421():
		a.read9421()
	case authorized:
		a.readVrnt1(value)
	default:
		a.found(noSignature)
	}
	return a
}

// Explain returns what is wrong with the attempt as a call of a key of the scheme. It tries the known mistakes
// of clients, alone and in pairs, and reports a smallest set of them that produces the tag. It computes at most
// 800 MACs over at most 16 MiB, and compares tags in constant time. body is the call's body, nil if it is not
// known. With an empty key no tag is right.
func (a *Attempt) Explain(scheme Scheme, key, body []byte, now time.Time) Explanation {
	e := Explanation{Findings: slices.Clone(a.Findings)}
	e.clock(a.Time, now)
	if a.Scheme != "" && a.Scheme != scheme {
		e.add(
			wrongScheme.with(
				"The key is for " + string(scheme) + ", and the call is signed as " + string(a.Scheme) + ".",
			),
		)
		return e
	}
	noBody := a.lacksBody(body)
	if noBody && scheme == RFC9421 { // which covers it
		e.add(bodyNotGiven.finding())
	}
	if a.head != nil && body != nil {
		e.digest(a.head, body)
	}
	if a.try == nil || !a.tagged || len(key) == 0 {
		return e
	}
	s := newSearch(a.tag, key)
	a.try(s, body)
	if !s.found {
		if e.add(noKnownMistake.finding()); noBody { // it may have been signed
			e.add(bodyNotGiven.finding())
		}
		return e
	}
	e.Signed = len(s.mistakes) == 0 && len(a.Findings) == 0
	for _, made := range s.mistakes {
		e.add(made.forScheme(scheme))
	}
	return e
}

// lacksBody reports whether the head announces a body that is not given. A body sent in chunks may be empty.
func (a *Attempt) lacksBody(body []byte) bool {
	if a.head == nil || len(body) > 0 {
		return false
	}
	announced, err := a.head.announcesBody()
	_, chunked := a.head.find(transferEncodingName)
	return err == nil && announced && (body == nil || chunked == 0)
}

// add appends a finding that is not in the list yet.
func (e *Explanation) add(f Finding) {
	if !slices.ContainsFunc(e.Findings, func(other Finding) bool { return other.ID == f.ID }) {
		e.Findings = append(e.Findings, f)
	}
}

const (
	zoneStep  = 30 * time.Minute // most offsets of time zones are multiples of it
	zoneSlack = time.Minute
	maxZone   = 14 * time.Hour
)

// clock sets the skew, and adds a finding if it looks like a time zone's offset. The caller compares the skew
// with the clock window.
func (e *Explanation) clock(stamp, now time.Time) {
	if stamp.IsZero() {
		return
	}
	// A Duration saturates after centuries, which is good enough.
	e.Skew = stamp.Sub(now).Truncate(time.Second)
	near := e.Skew.Round(zoneStep)
	if near != 0 && near.Abs() <= maxZone && (e.Skew-near).Abs() <= zoneSlack {
		e.add(clockZone.with("It differs by " + near.Abs().String() + "."))
	}
}

// digest compares the head's Content-Digest with the body.
func (e *Explanation) digest(h *Head, body []byte) {
	value, lines := h.find(contentDigestName)
	if lines != 1 {
		return
	}
	d, err := ParseContentDigest(value)
	switch {
	case err != nil:
		e.add(digestMalformed.finding())
	case !d.Matches(body):
		e.add(digestMismatch.finding())
	}
}

func (a *Attempt) found(k knownFinding) { a.keep(k.forScheme(a.Scheme)) }

// keep appends a finding that is not in the list yet.
func (a *Attempt) keep(f Finding) {
	if !slices.ContainsFunc(a.Findings, func(other Finding) bool { return other.ID == f.ID }) {
		a.Findings = append(a.Findings, f)
	}
}
