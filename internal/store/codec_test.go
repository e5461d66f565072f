package store

import (
	"bytes"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// codecs are all kinds of entries, each with an example that leaves no field empty.
// testdata/<name>.json is one as schema 1 wrote it.
var codecs = []struct {
	name   string
	at     location
	full   any
	encode func(any) ([]byte, error)
	decode func(location, []byte) (any, error)
}{
	{"config", locations[0].at, fullConfig(), encoder(encodeConfig), decoder(decodeConfig)},
	{"tenant", locations[1].at, fullTenant(), encoder(encodeTenant), decoder(decodeTenant)},
	{"key", locations[2].at, fullKey(), encoder(encodeKey), decoder(decodeKey)},
	{"leased", locations[3].at, fullLeased(), encoder(encodeKey), decoder(decodeKey)},
	{"role", locations[4].at, fullRole(), encoder(encodeRole), decoder(decodeRole)},
	{
		"claim", locations[5].at, &claim{at: locations[2].at, uid: "UID-OF-ACME"},
		encoder(func(c *claim) ([]byte, error) { return encodeClaim(*c) }),
		decoder(func(_ location, raw []byte) (*claim, error) { c, err := decodeClaim(raw); return &c, err }),
	},
	{
		"usage",
		location{family: familyUsage},
		&map[string]Use{
			id(1): {First: start, Last: start.Add(time.Hour), From: "192.0.2.1"},
			id(2): {First: start, Last: start},
		},
		encoder(func(u *map[string]Use) ([]byte, error) { return encodeShard(*u) }),
		decoder(func(_ location, raw []byte) (*map[string]Use, error) { u, err := decodeShard(raw); return &u, err }),
	},
	{
		"node",
		location{family: familyUsage},
		&node{tenant: "acme", forgotten: 29474521, uses: map[string]map[string]Use{
			"0af": {
				id(1): {First: start, Last: start.Add(time.Hour), From: "192.0.2.1"},
			},
			"fa0": {id(2): {First: start, Last: start}},
		}},
		encoder(encodeNode),
		decoder(func(_ location, raw []byte) (*node, error) { return decodeNode("", raw) }),
	},
	{
		"split",
		location{family: familyUsage},
		&node{tenant: "acme", split: true, forgotten: 29474521},
		encoder(encodeNode),
		decoder(func(_ location, raw []byte) (*node, error) { return decodeNode("fa", raw) }),
	},
	{
		"mark",
		location{family: familyMark},
		&storedMark{header{schema}, "LIFE", 1768471201},
		encoder(func(m *storedMark) ([]byte, error) { return encode(m) }),
		decoder(func(_ location, raw []byte) (*storedMark, error) {
			m := new(storedMark)
			return m, decode(familyMark, raw, m)
		}),
	},
	{
		"purged",
		location{family: familyPurged},
		&PurgedID{
			apikey.Ref{Tenant: "acme", Kind: apikey.External, Name: "billing"},
			"UID-OF-ACME", 2,
			apikey.Purged{At: after(47), By: admin, Reason: "made by mistake"},
		},
		encoder(encodePurged),
		decoder(func(_ location, raw []byte) (*PurgedID, error) { return decodePurged(raw) }),
	},
	{
		"purges",
		location{family: familyPurged},
		&storedPurges{header{schema}, "UID-OF-ACME", "2026-01-15", 3},
		encoder(func(p *storedPurges) ([]byte, error) { return encode(p) }),
		decoder(func(_ location, raw []byte) (*storedPurges, error) {
			p := new(storedPurges)
			return p, decode(familyPurged, raw, p)
		}),
	},
	{
		"due",
		location{family: familyDue},
		&storedDue{header{schema}, "UID-OF-ACME"},
		encoder(func(d *storedDue) ([]byte, error) { return encodeDue(d.UID) }),
		decoder(func(at location, raw []byte) (*storedDue, error) {
			d := new(storedDue)
			return d, decode(at.family, raw, d)
		}),
	},
}

func encoder[T any](f func(*T) ([]byte, error)) func(any) ([]byte, error) {
	return func(v any) ([]byte, error) { return f(v.(*T)) }
}

func decoder[T any](f func(location, []byte) (*T, error)) func(location, []byte) (any, error) {
	return func(at location, raw []byte) (any, error) {
		v, err := f(at, raw)
		if err != nil {
			return nil, err
		}
		return v, nil
	}
}

func after(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

func fullConfig() *tenant.Config {
	return &tenant.Config{
		Internal: tenant.KindConfig{
			DefaultTTL:        day,
			MaxTTL:            2 * day,
			DefaultOverlap:    time.Hour,
			DefaultAutoRotate: true,
			Published:         globs("/x"),
		},
		External: tenant.KindConfig{
			DefaultTTL:        3 * day,
			MaxTTL:            4 * day,
			DefaultOverlap:    2 * time.Hour,
			DefaultAutoRotate: true,
			Published:         globs("/wfo/**", "/v1/*"),
		},
		AllowNoExpiry:  true,
		MinOverlap:     time.Minute,
		Retention:      5 * day,
		WindowPast:     200 * time.Second,
		WindowFuture:   50 * time.Second,
		Replay:         tenant.ReplayStrict,
		ReplayEntries:  1001,
		ReplayTotal:    1003,
		CacheEntries:   1002,
		TenantMetadata: "customer",
		TenantClaims:   tenant.ClaimsOf([]string{"auth_jwt_1a2b3c4d:tenant", "auth_oidc_5e6f7a8b:org"}),
		TenantBinding:  tenant.Auto,
		MaxKeys:        11,
		MaxLeased:      12,
		MaxVersions:    13,
		MaxExtension:   14 * day,
		IdleAfter:      15 * day,
		ForceWrap:      true,
		ImportUntil:    after(99),
		LocalVerify:    true,
		KeyringMaxAge:  98 * time.Second,
		AllowPurge:     true,
		StaticTTL:      29 * time.Second,
		Revision:       14,
	}
}

func globs(list ...string) match.Globs { return match.GlobsOf(list) }

func fullTenant() *tenant.Tenant {
	return &tenant.Tenant{
		Name:        "acme",
		UID:         "UID-OF-ACME",
		DisplayName: "Acme <Inc> & \"Sons\"\n",
		Provider: tenant.Caps{
			MaxKeys:      21,
			MaxLeased:    22,
			MaxVersions:  23,
			MaxTTL:       24 * day,
			WindowPast:   25 * time.Second,
			WindowFuture: 26 * time.Second,
			IdleAfter:    27 * day,
			Published:    globs("/provider/**"),
			LocalVerify:  tenant.Yes,
		},
		Own: tenant.Caps{
			MaxKeys:      11,
			MaxLeased:    12,
			MaxVersions:  13,
			MaxTTL:       14 * day,
			WindowPast:   15 * time.Second,
			WindowFuture: 16 * time.Second,
			IdleAfter:    17 * day,
			Published:    globs("/own/**"),
			LocalVerify:  tenant.No,
		},
		CreatedAt:       start,
		SuspendedBy:     "entity-of-spa",
		SuspendedByName: "ldap-spa",
		SuspendedAt:     after(1),
		SuspendedReason: "unpaid",
		ResumedAt:       after(3),
		DeletedAt:       after(2),
		ErasedSince:     after(4),
		Revision:        5,
	}
}

// fullKey's secrets are public: the bytes 0 to 31, and 64 times 0xff.
func fullKey() *apikey.Key {
	sequence := make([]byte, 32)
	for i := range sequence {
		sequence[i] = byte(i)
	}
	version := func(n int, key []byte) apikey.Version {
		return apikey.Version{
			KeyID:     id(n),
			Number:    n,
			Secret:    secret.New(key),
			IssuedAt:  after(n),
			ExpiresAt: after(100 + n),
			Marks: apikey.Intern(
				apikey.VersionFlags{
					ExtendedAt:    after(50 + n),
					ShortenedAt:   after(55 + n),
					HandedOverAt:  after(60 + n),
					SealedOnly:    true,
					Imported:      true,
					ProviderKnows: true,
				},
			),
			RotatedFrom:    id(n - 1),
			RotatedTo:      id(n + 1),
			RevealedAt:     after(10 + n),
			RevealedTo:     apikey.Intern(app),
			DisabledAt:     after(20 + n),
			DisabledReason: "leaked?",
			RevokedAt:      after(30 + n),
			RevokedReason:  "leaked",
		}
	}
	return &apikey.Key{
		Ref: apikey.Ref{Tenant: "acme", Kind: apikey.External, Name: "billing.v2_x"},
		UID: "UID-OF-ACME",
		Settings: apikey.Settings{
			Description:       "Billing <v2> & \"more\"",
			Owner:             "billing team",
			Metadata:          apikey.PairsOf(map[string]string{"team": "blue", "cost": "42"}),
			Scheme:            signing.Vrnt1,
			TTL:               90 * day,
			AutoRotate:        true,
			Overlap:           7 * day,
			OverlapFrom:       8 * day,
			Date:              apikey.Intern(after(99)),
			Reveal:            apikey.RevealAlways,
			Replay:            true,
			DeletionProtected: true,
			Rules: apikey.Intern(
				apikey.Rules{
					Limits:           fullLimits,
					Recipients:       "age1x\nage1y",
					Window:           "Mon-Thu 09:00-16:00 Europe/Berlin",
					IdleDisableAfter: 30 * day,
				},
			),
		},
		Versions:       []apikey.Version{version(1, sequence), version(2, bytes.Repeat([]byte{0xff}, 64))},
		CreatedAt:      start,
		DisabledAt:     after(40),
		DisabledReason: "holidays",
		RevokedAt:      after(41),
		RevokedReason:  "end of contract",
		DeletedAt:      after(42),
		LastRotation:   after(43),
		RotatedLate:    true,
		EnabledAt:      after(44),
		UsedAt:         after(45),
		UseKnown:       true,
		Revision:       44,
		Failed:         &apikey.Failure{Error: "storage is away", Count: 3, RetryAt: after(46)},
		History: []apikey.Change{
			{Time: start, Operation: "create", KeyID: id(1), Actor: admin, Reason: "for the tests"},
			{Time: after(1), Operation: "rotate", KeyID: id(2), Actor: admin, Reason: "as above"},
		},
	}
}

var fullLimits = apikey.Limits{
	Scopes: match.ScopesOf([]string{"GET /wfo/**", "* /x"}),
	CIDRs:  match.RangesOf([]string{"192.0.2.0/24"}),
	User:   "agent-7",
	Compat: "path_query\nheaders_sorted",
}
