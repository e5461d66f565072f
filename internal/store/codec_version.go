package store

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/secret"
)

type storedVersion struct {
	KeyID          string       `json:"key_id"`
	Number         int          `json:"number"`
	Secret         []byte       `json:"secret,omitempty"` // absent: erased
	IssuedAt       time.Time    `json:"issued_at"`
	ExpiresAt      time.Time    `json:"expires_at,omitzero"`
	ExtendedAt     time.Time    `json:"extended_at,omitzero"`
	ShortenedAt    time.Time    `json:"shortened_at,omitzero"`
	HandedOverAt   time.Time    `json:"handed_over_at,omitzero"`
	Imported       bool         `json:"imported,omitempty"`
	SealedOnly     bool         `json:"sealed_only,omitempty"`
	ProviderKnows  bool         `json:"provider_knows,omitempty"`
	RotatedFrom    string       `json:"rotated_from,omitempty"`
	RotatedTo      string       `json:"rotated_to,omitempty"`
	RevealedAt     time.Time    `json:"revealed_at,omitzero"`
	RevealedTo     *storedActor `json:"revealed_to,omitempty"`
	DisabledAt     time.Time    `json:"disabled_at,omitzero"`
	DisabledReason string       `json:"disabled_reason,omitempty"`
	RevokedAt      time.Time    `json:"revoked_at,omitzero"`
	RevokedReason  string       `json:"revoked_reason,omitempty"`
}

func storeVersion(v *apikey.Version) storedVersion {
	m := v.Marks.Get()
	return storedVersion{
		KeyID:          v.KeyID,
		Number:         v.Number,
		Secret:         v.Secret.Reveal(),
		IssuedAt:       v.IssuedAt,
		ExpiresAt:      v.ExpiresAt,
		ExtendedAt:     m.ExtendedAt,
		ShortenedAt:    m.ShortenedAt,
		HandedOverAt:   m.HandedOverAt,
		Imported:       m.Imported,
		SealedOnly:     m.SealedOnly,
		ProviderKnows:  m.ProviderKnows,
		RotatedFrom:    v.RotatedFrom,
		RotatedTo:      v.RotatedTo,
		RevealedAt:     v.RevealedAt,
		RevealedTo:     storeActor(v.RevealedTo.Get()),
		DisabledAt:     v.DisabledAt,
		DisabledReason: v.DisabledReason,
		RevokedAt:      v.RevokedAt,
		RevokedReason:  v.RevokedReason,
	}
}

func (v *storedVersion) version() apikey.Version {
	return apikey.Version{
		KeyID:     v.KeyID,
		Number:    v.Number,
		Secret:    secret.New(v.Secret),
		IssuedAt:  v.IssuedAt,
		ExpiresAt: v.ExpiresAt,
		Marks: apikey.Intern(
			apikey.VersionFlags{
				ExtendedAt:    v.ExtendedAt,
				ShortenedAt:   v.ShortenedAt,
				HandedOverAt:  v.HandedOverAt,
				Imported:      v.Imported,
				SealedOnly:    v.SealedOnly,
				ProviderKnows: v.ProviderKnows,
			},
		),
		RotatedFrom:    v.RotatedFrom,
		RotatedTo:      v.RotatedTo,
		RevealedAt:     v.RevealedAt,
		RevealedTo:     apikey.Intern(v.RevealedTo.actor()),
		DisabledAt:     v.DisabledAt,
		DisabledReason: v.DisabledReason,
		RevokedAt:      v.RevokedAt,
		RevokedReason:  v.RevokedReason,
	}
}
