package apikey

import "time"

// Rule is one rule of a report: our own wording, and the requirement of PCI DSS 4 that it supports.
type Rule struct {
	ID, Requirement, Text string
	broken                func(k *Key, c MaintainInput, now time.Time) bool
}

// The periods that the standard names (8.2.6, 8.3.9).
const (
	longIdle   = 90 * 24 * time.Hour
	longUnused = 30 * 24 * time.Hour
	longSame   = 90 * 24 * time.Hour
)

// ReportRules are all rules of a report.
var ReportRules = []Rule{
	{
		"lifetime_over_cap",
		"3.7.4",
		"The current version lives longer than the mount's or the tenant's cap.",
		(*Key).overCap,
	},
	{"no_expiry", "3.7.4", "The current version never expires.", func(k *Key, _ MaintainInput, now time.Time) bool {
		v := k.Current(now)
		return v != nil && v.ExpiresAt.IsZero()
	}},
	{
		"no_rotation",
		"8.6.3",
		"The key does not rotate by schedule, and its newest version is older than 90 days.",
		func(k *Key, _ MaintainInput, now time.Time) bool {
			return !k.AutoRotate && now.Sub(k.Newest().IssuedAt) > longSame
		},
	},
	{
		"idle",
		"8.2.6",
		"The key was used, or may have been, but not for 90 days.",
		func(k *Key, c MaintainInput, now time.Time) bool {
			used := k.lastUse(c)
			return !c.UsageUnknown && !used.IsZero() && now.Sub(used) > longIdle
		},
	},
	{
		"never_used",
		"7.2.5",
		"The key was made more than 30 days ago and has never been used.",
		func(k *Key, c MaintainInput, now time.Time) bool {
			return !c.UsageUnknown && k.lastUse(c).IsZero() && now.Sub(k.CreatedAt) > longUnused
		},
	},
	{
		"revealed_in_clear",
		"3.7.2",
		"The newest version was handed out other than sealed to a recipient.",
		func(k *Key, _ MaintainInput, _ time.Time) bool {
			v := k.Newest()
			m := v.Marks.Get()
			return !v.RevealedAt.IsZero() && !m.SealedOnly && !m.Imported
		},
	},
	{
		"imported_not_rotated",
		"3.7.1",
		"The newest version was made elsewhere.",
		func(k *Key, _ MaintainInput, _ time.Time) bool {
			return k.Newest().Marks.Get().Imported
		},
	},
	{
		"provider_knows",
		"A1.1.1",
		"The newest version was imported by the provider, who knows it.",
		func(k *Key, _ MaintainInput, _ time.Time) bool {
			return k.Newest().Marks.Get().ProviderKnows
		},
	},
	{
		"unpicked_successor",
		"3.7.2",
		"The key was rotated, and its newest version has reached nobody.",
		func(k *Key, _ MaintainInput, now time.Time) bool {
			return k.Newest().RotatedFrom != "" && k.Reveal != RevealNever && k.Unrevealed(now)
		},
	},
	{
		"lenient",
		"12.3.3",
		"The key lets in calls that deviate from its scheme (compat).",
		func(k *Key, _ MaintainInput, _ time.Time) bool {
			return k.Rules.Get().Compat != ""
		},
	},
	{
		"failing_rotation",
		"8.6.3",
		"The rotation that is due has failed.",
		func(k *Key, _ MaintainInput, _ time.Time) bool { return k.Failed != nil },
	},
}

// Broken returns the IDs of the rules that k breaks at now. Revoked and deleted keys break none.
func (k *Key) Broken(c MaintainInput, now time.Time) []string {
	broken := []string{}
	if s := k.State(); s == Revoked || s == Deleted {
		return broken
	}
	for _, r := range ReportRules {
		if r.broken(k, c, now) {
			broken = append(broken, r.ID)
		}
	}
	return broken
}

func (k *Key) overCap(c MaintainInput, now time.Time) bool {
	v := k.Current(now)
	if v == nil || v.ExpiresAt.IsZero() {
		return false
	}
	most, _ := maxTTL(k.Kind, c.Config, c.Tenant)
	return v.ExpiresAt.Sub(v.IssuedAt) > most
}
