package store

import (
	"fmt"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// storedKey is a record under keys/ or leased/. Its path holds the tenant, the kind and the name. Durations are in
// seconds, times in RFC 3339, secrets in base64:
//
//	{"schema":1,"uid":"…","revision":3,"created_at":"…","scheme":"vrnt-1","ttl":7776000,
//	 "overlap":604800,"auto_rotate":true,"reveal":"once","replay":true,
//	 "versions":[{"key_id":"…","number":1,"secret":"…","issued_at":"…","expires_at":"…"}],
//	 "history":[{"time":"…","operation":"create","key_id":"…","entity_id":"…"}]}
type storedKey struct {
	header
	UID      string `json:"uid"`
	Revision int    `json:"revision"`

	Description      string            `json:"description,omitempty"`
	Owner            string            `json:"owner,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	Scheme           string            `json:"scheme"`
	TTL              int64             `json:"ttl"`
	ExpiresAt        time.Time         `json:"expires_at,omitzero"` // of the first version, as given
	AutoRotate       bool              `json:"auto_rotate,omitempty"`
	Overlap          int64             `json:"overlap"`
	OverlapFrom      *int64            `json:"overlap_from,omitempty"` // -1: given; absent in older records
	Reveal           string            `json:"reveal"`
	Replay           bool              `json:"replay"`
	ExpiryWindow     string            `json:"expiry_window,omitempty"`
	IdleDisableAfter int64             `json:"idle_disable_after,omitempty"`
	Recipients       []string          `json:"recipients,omitempty"`
	storedLimits
	DeletionProtected bool `json:"deletion_protected,omitempty"`

	CreatedAt      time.Time `json:"created_at"`
	DisabledAt     time.Time `json:"disabled_at,omitzero"`
	DisabledReason string    `json:"disabled_reason,omitempty"`
	RevokedAt      time.Time `json:"revoked_at,omitzero"`
	RevokedReason  string    `json:"revoked_reason,omitempty"`
	DeletedAt      time.Time `json:"deleted_at,omitzero"`
	LastRotation   time.Time `json:"last_rotation,omitzero"`
	RotatedLate    bool      `json:"rotated_late,omitempty"`
	EnabledAt      time.Time `json:"enabled_at,omitzero"`
	UsedAt         time.Time `json:"used_at,omitzero"`
	UseKnown       bool      `json:"use_known,omitempty"` // absent in older records: unclear

	RotationError    string    `json:"rotation_error,omitempty"`
	RotationFailures int       `json:"rotation_failures,omitempty"`
	RotationRetryAt  time.Time `json:"rotation_retry_at,omitzero"`

	Lease    *storedLease    `json:"lease,omitempty"`
	Versions []storedVersion `json:"versions"`
	History  []storedChange  `json:"history,omitempty"`
}

type storedLimits struct {
	Scopes       []string `json:"scopes,omitempty"`
	AllowedCIDRs []string `json:"allowed_cidrs,omitempty"`
	User         string   `json:"user,omitempty"`
	Compat       []string `json:"compat,omitempty"`
}

func storeLimits(l *apikey.Limits) storedLimits {
	return storedLimits{l.Scopes.List(), l.CIDRs.List(), l.User, l.Compat.List()}
}

func (l *storedLimits) limits() apikey.Limits {
	return apikey.Limits{
		Scopes: match.ScopesOf(l.Scopes),
		CIDRs:  match.RangesOf(l.AllowedCIDRs),
		User:   l.User,
		Compat: tenant.LinesOf(l.Compat),
	}
}

type storedLease struct {
	Role    string    `json:"role"`
	Epoch   int       `json:"epoch"`
	EndedAt time.Time `json:"ended_at,omitzero"`
}

type storedChange struct {
	Time      time.Time `json:"time"`
	Operation string    `json:"operation"`
	KeyID     string    `json:"key_id,omitempty"`
	storedActor
	Reason string `json:"reason,omitempty"`
}

func encodeKey(k *apikey.Key) ([]byte, error) {
	rules := k.Rules.Get()
	s := storedKey{
		header:            header{schema},
		UID:               k.UID,
		Revision:          k.Revision,
		Description:       k.Description,
		Owner:             k.Owner,
		Metadata:          k.Metadata.Map(),
		Scheme:            string(k.Scheme),
		TTL:               seconds(k.TTL),
		ExpiresAt:         k.Date.Get(),
		AutoRotate:        k.AutoRotate,
		Overlap:           seconds(k.Overlap),
		OverlapFrom:       storeOverlapFrom(k),
		Reveal:            string(k.Reveal),
		Replay:            k.Replay,
		ExpiryWindow:      string(rules.Window),
		IdleDisableAfter:  seconds(rules.IdleDisableAfter),
		DeletionProtected: k.DeletionProtected,
		Recipients:        rules.Recipients.List(),
		storedLimits:      storeLimits(&rules.Limits),
		EnabledAt:         k.EnabledAt,
		UsedAt:            k.UsedAt,
		UseKnown:          k.UseKnown,
		CreatedAt:         k.CreatedAt,
		DisabledAt:        k.DisabledAt,
		DisabledReason:    k.DisabledReason,
		RevokedAt:         k.RevokedAt,
		RevokedReason:     k.RevokedReason,
		DeletedAt:         k.DeletedAt,
		LastRotation:      k.LastRotation,
		RotatedLate:       k.RotatedLate,
	}
	if k.Failed != nil {
		s.RotationError, s.RotationFailures, s.RotationRetryAt = k.Failed.Error, k.Failed.Count, k.Failed.RetryAt
	}
	if k.Lease != nil {
		s.Lease = &storedLease{Role: string(k.Name), Epoch: k.Lease.Epoch, EndedAt: k.Lease.EndedAt}
	}
	for i := range k.Versions {
		s.Versions = append(s.Versions, storeVersion(&k.Versions[i]))
	}
	for _, h := range k.History {
		s.History = append(s.History, storedChange{h.Time, h.Operation, h.KeyID, storedActor(h.Actor), h.Reason})
	}
	return encode(s)
}

func decodeKey(at location, raw []byte) (*apikey.Key, error) {
	var s storedKey
	if err := decode(at.family, raw, &s); err != nil {
		return nil, err
	}
	if len(s.Versions) == 0 || (s.Lease != nil) != (at.family == familyLeased) {
		return nil, fmt.Errorf("%s: %w", at.family, ErrCorrupt)
	}
	k := &apikey.Key{
		Ref: apikey.Ref{
			Tenant: intern(at.tenant),
			Kind:   intern(at.kind),
			Name:   apikey.Name(at.name),
		},
		UID:      intern(s.UID),
		Revision: s.Revision,
		Settings: apikey.Settings{
			Description:       s.Description,
			Owner:             s.Owner,
			Metadata:          apikey.PairsOf(s.Metadata),
			Scheme:            intern(signing.Scheme(s.Scheme)),
			TTL:               duration(s.TTL),
			Date:              apikey.Intern(s.ExpiresAt),
			AutoRotate:        s.AutoRotate,
			Overlap:           duration(s.Overlap),
			OverlapFrom:       s.overlapFrom(),
			Reveal:            intern(apikey.RevealMode(s.Reveal)),
			Replay:            s.Replay,
			DeletionProtected: s.DeletionProtected,
			Rules: apikey.Intern(apikey.Rules{
				Limits: s.limits(), Recipients: tenant.LinesOf(s.Recipients),
				Window: apikey.Window(s.ExpiryWindow), IdleDisableAfter: duration(s.IdleDisableAfter),
			}),
		},
		EnabledAt:      s.EnabledAt,
		UsedAt:         s.UsedAt,
		UseKnown:       s.UseKnown,
		CreatedAt:      s.CreatedAt,
		DisabledAt:     s.DisabledAt,
		DisabledReason: s.DisabledReason,
		RevokedAt:      s.RevokedAt,
		RevokedReason:  s.RevokedReason,
		DeletedAt:      s.DeletedAt,
		LastRotation:   s.LastRotation,
		RotatedLate:    s.RotatedLate,
		Versions:       make([]apikey.Version, len(s.Versions)),
	}
	if s.RotationFailures > 0 {
		k.Failed = &apikey.Failure{Error: s.RotationError, Count: s.RotationFailures, RetryAt: s.RotationRetryAt}
	}
	if s.Lease != nil {
		k.Name = apikey.Name(s.Lease.Role)
		k.Lease = &apikey.Lease{Epoch: s.Lease.Epoch, EndedAt: s.Lease.EndedAt}
	}
	for i := range s.Versions {
		k.Versions[i] = s.Versions[i].version()
	}
	for i := 1; i < len(k.Versions); i++ { // neighbours share one copy of an ID
		if was, is := &k.Versions[i-1], &k.Versions[i]; was.RotatedTo == is.KeyID && is.RotatedFrom == was.KeyID {
			was.RotatedTo, is.RotatedFrom = is.KeyID, was.KeyID
		}
	}
	for _, h := range s.History {
		k.History = append(
			k.History,
			apikey.Change{
				Time:      h.Time,
				Operation: h.Operation,
				KeyID:     h.KeyID,
				Actor:     apikey.Actor(h.storedActor),
				Reason:    h.Reason,
			},
		)
	}
	return k, nil
}

func (s *storedKey) overlapFrom() time.Duration {
	switch {
	case s.OverlapFrom == nil:
		return apikey.OverlapUnknown
	case *s.OverlapFrom < 0:
		return apikey.OverlapGiven
	default:
		return duration(*s.OverlapFrom)
	}
}
