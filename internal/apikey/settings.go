package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Bounds of a key's secret, lists and texts.
const (
	MinSecret      = 32 // bytes; FIPS 198-1 wants a key to be as strong as the tag
	MaxSecret      = 64 // bytes; longer keys are hashed first (FIPS 198-1 section 4)
	MaxOverlap     = 720 * time.Hour
	MaxDescription = 1024 // bytes, like the next ones
	MaxOwner       = 256
	MaxReason      = 512
)

// DefaultScheme is the scheme of a key if its writer names none.
const DefaultScheme = signing.RFC9421

// RevealMode says how often a secret may be handed out in the clear.
type RevealMode string

// The reveal modes.
const (
	RevealOnce   RevealMode = "once"
	RevealAlways RevealMode = "always"
	RevealNever  RevealMode = "never"
)

// Settings are what the writer of a key decides. They are immutable once in a [Key].
type Settings struct {
	Description string
	Owner       string
	Metadata    Pairs
	Scheme      signing.Scheme
	TTL         time.Duration       // life of one version; 0: no expiry
	Date        Interned[time.Time] // when the first version is to end, as given; the zero time: after TTL
	AutoRotate  bool
	Overlap     time.Duration // how long old versions verify after a rotation
	OverlapFrom time.Duration // the default that Overlap was derived from, or OverlapGiven or OverlapUnknown
	Reveal      RevealMode
	Replay      bool // a repeated call is refused
	Rules       Interned[Rules]

	DeletionProtected bool
}

// Special values of [Settings.OverlapFrom].
const (
	OverlapGiven   time.Duration = -1 // the writer chose the overlap
	OverlapUnknown time.Duration = -2 // the record is older than this field, or the key is leased
)

// check refuses limits that cannot be judged for a scheme, because they would deny every call. It also refuses
// variants of another scheme.
func (l *Limits) check(s signing.Scheme) error {
	if _, err := signing.ParseCompat(s, l.Compat.List()); err != nil {
		return refusal.Errorf(refusal.Invalid, "%s", err)
	}
	if !s.HTTP() && (!l.Scopes.Empty() || l.User != "") {
		return refusal.Errorf(
			refusal.Invalid,
			"scopes: %s signs messages, which have no method, path or user; leave scopes and user empty",
			s,
		)
	}
	return nil
}

// DefaultSettings returns the settings of a key whose writer says nothing. It leaves the overlap to
// [Settings.Resolve].
func DefaultSettings(kind Kind, c *tenant.Config) Settings {
	k := kind.Config(c)
	return Settings{
		Scheme: DefaultScheme, TTL: k.DefaultTTL, AutoRotate: k.DefaultAutoRotate,
		OverlapFrom: k.DefaultOverlap, Reveal: RevealOnce, Replay: true,
	}
}

// Resolve derives an overlap that was not given, and checks the settings against the caps of the mount and the
// tenant. The derived overlap is the default or a quarter of the life, whichever is less, so that it prevents
// no change of the life. A life over a cap is refused and not cut; the refusal names the cap.
func (s Settings) Resolve(kind Kind, c *tenant.Config, t *tenant.Tenant) (Settings, error) {
	if s.OverlapFrom >= 0 {
		s.Overlap = defaultOverlap(s, s.OverlapFrom, c.MinOverlap)
	}
	rules := s.Rules.Get()
	if err := rules.check(s.Scheme); err != nil {
		return s, err
	}
	if err := checkTTL(s.TTL, kind, c, t); err != nil {
		return s, err
	}
	if most := t.IdleDisableAfter(c); most > 0 && rules.IdleDisableAfter > most {
		return s, refusal.Errorf(
			refusal.Invalid,
			"idle_disable_after: %s is over the cap of %s; a key may only be stricter",
			tenant.Spell(rules.IdleDisableAfter),
			tenant.Spell(most),
		)
	}
	return s, s.checkOverlap(c)
}

func defaultOverlap(s Settings, most, least time.Duration) time.Duration {
	overlap := most
	if s.TTL > 0 {
		overlap = min(overlap, s.TTL/4)
	}
	if s.AutoRotate {
		overlap = max(overlap, least)
	}
	return overlap.Truncate(time.Second)
}

// Known returns s with OverlapFrom filled in, for records that are older than that field. An overlap that is
// the kind's default or a quarter of the life counts as derived.
func (s Settings) Known(kind Kind, c *tenant.Config) Settings {
	if s.OverlapFrom != OverlapUnknown {
		return s
	}
	s.OverlapFrom = OverlapGiven
	if from := kind.Config(c).DefaultOverlap; s.Overlap == from || s.Overlap == (s.TTL/4).Truncate(time.Second) {
		s.OverlapFrom = from
	}
	return s
}

func checkTTL(ttl time.Duration, kind Kind, c *tenant.Config, t *tenant.Tenant) error {
	if ttl == 0 {
		if !c.AllowNoExpiry || t.Caps(c).MaxTTL < max(c.Internal.MaxTTL, c.External.MaxTTL) {
			return refusal.Errorf(
				refusal.Invalid,
				"ttl: 0 (no expiry) is not allowed on this mount or for this tenant; give a ttl",
			)
		}
		return nil
	}
	if most, by := maxTTL(kind, c, t); ttl > most {
		return refusal.Errorf(
			refusal.Invalid,
			"ttl: %s is over the cap of %s set by %s",
			tenant.Spell(ttl),
			tenant.Spell(most),
			by,
		)
	}
	return nil
}

func (s Settings) checkOverlap(c *tenant.Config) error {
	switch {
	case s.Overlap > MaxOverlap:
		return refusal.Errorf(refusal.Invalid, "overlap: must be at most %s", tenant.Spell(MaxOverlap))
	case s.TTL > 0 && s.Overlap > s.TTL/2 && s.OverlapFrom >= 0:
		return refusal.Errorf(
			refusal.Invalid,
			"ttl: with auto_rotate it is at least twice config min_overlap, %s",
			tenant.Spell(2*c.MinOverlap),
		)
	case s.TTL > 0 && s.Overlap > s.TTL/2:
		return refusal.Errorf(
			refusal.Invalid,
			"overlap: %s is over half of the ttl %s; give a shorter overlap or a longer ttl",
			tenant.Spell(s.Overlap),
			tenant.Spell(s.TTL),
		)
	case s.Rules.Get().Window != "" && s.TTL == 0:
		return refusal.Errorf(
			refusal.Invalid,
			"expiry_window: needs a ttl; what never expires cannot do so in a window",
		)
	case s.AutoRotate && s.TTL == 0:
		return refusal.Errorf(refusal.Invalid, "auto_rotate: needs a ttl; a key without expiry is rotated by hand")
	case s.AutoRotate && s.Overlap < c.MinOverlap:
		return refusal.Errorf(
			refusal.Invalid,
			"overlap: auto_rotate needs at least %s (config min_overlap)",
			tenant.Spell(c.MinOverlap),
		)
	}
	return nil
}

// maxTTL returns the longest life of a version and the name of the cap that sets it.
func maxTTL(kind Kind, c *tenant.Config, t *tenant.Tenant) (most time.Duration, by string) {
	most, by = kind.Config(c).MaxTTL, "config "+string(kind)+"_max_ttl"
	if own := t.Caps(c).MaxTTL; own < most {
		most, by = own, "the tenant's max_ttl"
	}
	return most, by
}

// Life returns how long a new version of k lives: its ttl, or the cap if that is shorter. cutBy is the name of
// the cap that shortened it, or "".
func (k *Key) Life(c *tenant.Config, t *tenant.Tenant) (life time.Duration, cutBy string) {
	most, by := maxTTL(k.Kind, c, t)
	if k.TTL > most || checkTTL(k.TTL, k.Kind, c, t) != nil {
		return most, by
	}
	return k.TTL, ""
}
