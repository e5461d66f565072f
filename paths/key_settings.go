package paths

import (
	"time"

	"github.com/hashicorp/vault/sdk/framework"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/seal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

// keySettings are the settings that the writer of a key chooses.
var keySettings = append(throughShared(ruleSettings,
	func(s *apikey.Settings) *apikey.Interned[apikey.Rules] { return &s.Rules }),
	field.Text("description", "What the key is for.", apikey.MaxDescription,
		func(s *apikey.Settings) *string { return &s.Description }),
	field.Text("owner", "Who answers for the key.", apikey.MaxOwner,
		func(s *apikey.Settings) *string { return &s.Owner }),
	pairsSetting("metadata", "Pairs of texts that verification returns.",
		func(s *apikey.Settings) *apikey.Pairs { return &s.Metadata }),
	schemeSetting(func(s *apikey.Settings) *signing.Scheme { return &s.Scheme }),
	field.Duration("ttl", "The life of one version; 0: no expiry, where the mount allows it. A change counts for "+
		"versions made afterwards.", 0, field.MaxDuration,
		func(s *apikey.Settings) *time.Duration { return &s.TTL }),
	dateSetting(),
	field.Bool("auto_rotate", "Whether the schedule makes a new version before the current one expires.",
		func(s *apikey.Settings) *bool { return &s.AutoRotate }),
	overlapSetting(),
	field.Choice("reveal", "How often the secret may be handed out: once, always or never.",
		[]apikey.RevealMode{apikey.RevealOnce, apikey.RevealAlways, apikey.RevealNever},
		func(s *apikey.Settings) *apikey.RevealMode { return &s.Reveal }),
	replaySetting(func(s *apikey.Settings) *bool { return &s.Replay }),
	field.Bool("deletion_protected", "Whether deleting the key is refused.",
		func(s *apikey.Settings) *bool { return &s.DeletionProtected }),
)

// ruleSettings are the settings that most keys leave at their defaults.
var ruleSettings = append(limitSettings(func(r *apikey.Rules) *apikey.Limits { return &r.Limits }),
	field.NewSetting("recipients", field.Schema(framework.TypeStringSlice,
		"age recipients or SSH public keys that each version is sealed to, for handover and pickup."),
		func(r *apikey.Rules) *tenant.Lines { return &r.Recipients }, parseRecipients,
		func(l tenant.Lines) any { return l.List() }),
	field.NewSetting("expiry_window", text("Days, hours and time zone in which versions end, such as Mon-Thu "+
		"09:00-16:00 Europe/Berlin; empty: any time. An end outside is moved back into it. That leaves at least half "+
		"of the ttl and twice the overlap."),
		func(r *apikey.Rules) *apikey.Window { return &r.Window }, parseWindow,
		func(w apikey.Window) any { return string(w) }),
	field.Duration("idle_disable_after", "The key is disabled when nobody has used it for this long; 0: the tenant's "+
		"and the mount's settings hold.", 0, field.MaxDuration,
		func(r *apikey.Rules) *time.Duration { return &r.IdleDisableAfter }),
)

// throughShared turns settings of an R into settings of a T that holds an interned R.
func throughShared[T any, R comparable](
	settings []field.Setting[R],
	at func(*T) *apikey.Interned[R],
) []field.Setting[T] {
	all := make([]field.Setting[T], len(settings))
	for i, s := range settings {
		all[i] = field.Setting[T]{
			Name: s.Name, Schema: s.Schema,
			Parse: func(to *T, raw any, patch bool) error {
				v := at(to).Get()
				err := s.Parse(&v, raw, patch)
				*at(to) = apikey.Intern(v)
				return err
			},
			Reset: func(to, defaults *T) {
				v, d := at(to).Get(), at(defaults).Get()
				s.Reset(&v, &d)
				*at(to) = apikey.Intern(v)
			},
			Show: func(from *T) any {
				v := at(from).Get()
				return s.Show(&v)
			},
		}
	}
	return all
}

// limitSettings are the settings that limit the calls of a key, or of a role's keys.
func limitSettings[T any](at func(*T) *apikey.Limits) []field.Setting[T] {
	return []field.Setting[T]{
		field.Lines("scopes",
			"Which calls are allowed: each is a method, or *, and a path glob, such as GET /wfo/**; none: all calls.",
			func(t *T) *match.Scopes { return &at(t).Scopes }, apikey.ParseScopes),
		field.Lines("allowed_cidrs", "Which client_ip calls may have, such as 192.0.2.0/24; none: any.",
			func(t *T) *match.Ranges { return &at(t).CIDRs }, apikey.ParseCIDRs),
		field.Text("user",
			"The user that the caller acts as: a call with another one in Verint-UserName is out of scope.", maxUser,
			func(t *T) *string { return &at(t).User }),
		field.NewSetting("compat", field.Schema(framework.TypeStringSlice,
			"How calls may deviate from the scheme, such as headers_sorted; none: not at all."),
			func(t *T) *tenant.Lines { return &at(t).Compat }, parseCompat,
			func(l tenant.Lines) any { return l.List() }),
	}
}

const maxUser = 256

func parseCompat(raw any, _ tenant.Lines, _ bool) (tenant.Lines, error) {
	list, err := field.ParseLines("compat", raw)
	if err != nil {
		return "", err
	}
	return apikey.CompatLines(list)
}

// maxRecipients bounds how many recipients one sealed secret has.
const maxRecipients = 8

func parseRecipients(raw any, _ tenant.Lines, _ bool) (tenant.Lines, error) {
	list, err := field.ParseLines("recipients", raw)
	if err != nil {
		return "", err
	}
	if len(list) > maxRecipients {
		return "", refusal.Errorf(refusal.Invalid, "recipients: has %d and %d is the most", len(list), maxRecipients)
	}
	if err := seal.CheckAll(list); err != nil {
		return "", refusal.Errorf(refusal.Invalid, "recipients: %s", err)
	}
	return tenant.LinesOf(list), nil
}

func parseWindow(raw any, _ apikey.Window, _ bool) (apikey.Window, error) {
	s, ok := raw.(string)
	if !ok {
		return "", field.BadValue("expiry_window", "a text")
	}
	return apikey.ParseWindow(s)
}

func schemeSetting[T any](at func(*T) *signing.Scheme) field.Setting[T] {
	schema := text("How calls are signed: rfc9421 (default), vrnt-1, or hmac-sha256 for messages. It cannot change.")
	schema.AllowedValues = []any{string(signing.RFC9421), string(signing.Vrnt1), string(signing.HMACSHA256)}
	return field.NewSetting("scheme", schema, at, func(raw any, _ signing.Scheme, _ bool) (signing.Scheme, error) {
		word, _ := raw.(string)
		s, err := signing.ParseScheme(word)
		if err != nil {
			return "", field.BadValue("scheme", "one of rfc9421, vrnt-1, hmac-sha256")
		}
		return s, nil
	}, func(s signing.Scheme) any { return string(s) })
}

func replaySetting[T any](at func(*T) *bool) field.Setting[T] {
	schema := text("on: a call is accepted once; off: it is accepted each time.")
	schema.AllowedValues = []any{"on", "off"}
	return field.NewSetting("replay", schema, at, func(raw any, _, _ bool) (bool, error) {
		if raw != "on" && raw != "off" {
			return false, field.BadValue("replay", "on or off")
		}
		return raw == "on", nil
	}, func(on bool) any {
		if on {
			return "on"
		}
		return "off"
	})
}

// dateSetting is the end of the first version, which is taken when a key is made, and stays.
func dateSetting() field.Setting[apikey.Settings] {
	const name = "expires_at"
	return field.NewSetting(name, field.Schema(framework.TypeTime, "When the first version is to end, as "+
		"2026-01-31T12:00:00Z; null: after the ttl. Taken when the key is made, with auto_rotate false unless that is "+
		"given, and kept. What holds stands with each version: expire moves its end earlier, extend later."),
		func(s *apikey.Settings) *apikey.Interned[time.Time] { return &s.Date },
		func(raw any, _ apikey.Interned[time.Time], _ bool) (apikey.Interned[time.Time], error) {
			at, err := field.ParseTime(name, raw)
			return apikey.Intern(at), err
		},
		func(at apikey.Interned[time.Time]) any { return field.RFC3339(at.Get()) })
}

// overlapSetting is a duration whose default depends on the ttl. If nobody has given one, it shows the default from
// which the overlap was derived.
func overlapSetting() field.Setting[apikey.Settings] {
	const name = "overlap"
	return field.Setting[apikey.Settings]{
		Name: name,
		Schema: field.Schema(framework.TypeDurationSecond, "How long older versions verify after a rotation: at most "+
			"half of the ttl and 720h. The default is cut to a quarter of the ttl; effective shows what holds. An "+
			"overlap that is given stays, unless all settings are written back as they were read."),
		Parse: func(to *apikey.Settings, raw any, _ bool) error {
			d, err := field.ParseDuration(name, raw, 0, apikey.MaxOverlap)
			if err == nil {
				to.Overlap, to.OverlapFrom = d, apikey.OverlapGiven
			}
			return err
		},
		Reset: func(to, defaults *apikey.Settings) { to.OverlapFrom = defaults.OverlapFrom },
		Show: func(from *apikey.Settings) any {
			if from.OverlapFrom >= 0 {
				return field.Seconds(from.OverlapFrom)
			}
			return field.Seconds(from.Overlap)
		},
	}
}

func pairsSetting[T any](name, description string, at func(*T) *apikey.Pairs) field.Setting[T] {
	return field.NewSetting(name, field.Schema(framework.TypeKVPairs, description), at,
		func(raw any, old apikey.Pairs, patch bool) (apikey.Pairs, error) {
			pairs, err := field.ParsePairs(name, raw, old.Map(), patch)
			return apikey.PairsOf(pairs), err
		},
		func(p apikey.Pairs) any { return showPairs(p) })
}

func showPairs(p apikey.Pairs) map[string]any {
	shown := make(map[string]any)
	for name, text := range p.All() {
		shown[name] = text
	}
	return shown
}
