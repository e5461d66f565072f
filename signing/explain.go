package signing

import (
	"slices"
	"time"
)

// Finding is one thing that is wrong with a call, and what its client does
// about it. It holds neither a tag nor anything of a key.
type Finding struct {
	ID      string  // in snake_case; docs/integrators.md has them all
	Text    string  // a sentence or two
	Variant Variant // what a key's owner may let in instead; "" where there is none
}

// The findings that stand beside a right signature too.
const (
	FindingClockZone      = "clock_zone"
	FindingDigestMismatch = "digest_mismatch"
)

// Attempt is a call as its client meant it: its signature read as far as it
// can be, also where [ParseLenientCall] refuses it. Nothing in it may be
// believed. [ReadAttempt] and [ReadTaggedAttempt] make it.
type Attempt struct {
	Scheme Scheme    // how it is signed, "" when it is not
	KeyID  string    // a [ValidKeyID], or ""
	Time   time.Time // when it says that it was signed, UTC; zero when it does not, or not readably

	// StringToSign is what the scheme has under the MAC for the call as
	// received, "" when too little of it can be read.
	StringToSign string

	// Findings are what the text alone shows, without a key.
	Findings []Finding

	tag    [TagSize]byte
	tagged bool // tag could be read
	head   *Head
	try    func(s *search, body []byte)
}

// Explanation is what a key says of an [Attempt].
type Explanation struct {
	// Signed reports whether the tag is the key's over the string to sign, and
	// the text of the signature is strict.
	Signed bool
	// Skew is how far the call's clock is ahead of now, in whole seconds; 0
	// where the call has no time.
	Skew time.Duration
	// Findings are those of the attempt, and the mistakes that make the very
	// tag that the call carries.
	Findings []Finding
}

// ReadAttempt reads the signature of a head, whatever is wrong with it. It
// costs no MAC and never fails.
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

// Explain says what is wrong with the attempt as a call of a key of that
// scheme. It tries the mistakes that clients are known to make, alone and in
// pairs, and names those that make the tag sent: the fewest, one set of them.
// It computes at most 800 MACs over at most 16 MiB, and compares tags in
// constant time. Body is the call's, nil when it is not known. An empty key
// signs nothing.
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
	if a.head != nil && body != nil {
		e.digest(a.head, body)
	}
	if a.try == nil || !a.tagged || len(key) == 0 {
		return e
	}
	s := newSearch(a.tag, key)
	a.try(s, body)
	if !s.found {
		e.add(noKnownMistake.finding())
		return e
	}
	e.Signed = len(s.mistakes) == 0 && len(a.Findings) == 0
	for _, made := range s.mistakes {
		e.add(made.forScheme(scheme))
	}
	return e
}

// add keeps a finding, once.
func (e *Explanation) add(f Finding) {
	if !slices.ContainsFunc(e.Findings, func(other Finding) bool { return other.ID == f.ID }) {
		e.Findings = append(e.Findings, f)
	}
}

const (
	zoneStep  = 30 * time.Minute // by which the offsets of time zones differ, but for a few
	zoneSlack = time.Minute
	maxZone   = 14 * time.Hour
)

// clock notes the skew, and when it looks like a time zone's. Whether it is
// too much, who knows the window says.
func (e *Explanation) clock(stamp, now time.Time) {
	if stamp.IsZero() {
		return
	}
	// Years apart, a Duration saturates, which is as good.
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

// keep notes a finding, once.
func (a *Attempt) keep(f Finding) {
	if !slices.ContainsFunc(a.Findings, func(other Finding) bool { return other.ID == f.ID }) {
		a.Findings = append(a.Findings, f)
	}
}
