package store

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// storedPurged is an entry under purged/ids/, of one version of a purged key. It has no secret:
//
//	{"schema":1,"tenant":"acme","kind":"external","name":"billing","uid":"…","version":2,"at":"…",
//	 "by":{"entity_id":"…","accessor":"…","request_id":"…","name":"…"},"reason":"…"}
type storedPurged struct {
	header
	Tenant  string       `json:"tenant"`
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	UID     string       `json:"uid"`
	Version int          `json:"version"`
	At      time.Time    `json:"at"`
	By      *storedActor `json:"by,omitempty"`
	Reason  string       `json:"reason,omitempty"`
}

func encodePurged(p *PurgedID) ([]byte, error) {
	return encode(storedPurged{
		header{schema},
		string(p.Tenant), string(p.Kind), string(p.Name), p.UID, p.Version, p.At, storeActor(p.By),
		p.Reason,
	})
}

func decodePurged(raw []byte) (*PurgedID, error) {
	var s storedPurged
	if err := decode(familyPurged, raw, &s); err != nil {
		return nil, err
	}
	return &PurgedID{
		Ref: apikey.Ref{Tenant: tenant.Name(s.Tenant), Kind: apikey.Kind(s.Kind), Name: apikey.Name(s.Name)},
		UID: s.UID, Version: s.Version, Purged: apikey.Purged{At: s.At, By: s.By.actor(), Reason: s.Reason},
	}, nil
}

// storedPurges is an entry under purged/days/: how many keys a tenant has purged on a day, in UTC:
//
//	{"schema":1,"uid":"…","day":"2026-01-31","purges":3}
type storedPurges struct {
	header
	UID    string `json:"uid"`
	Day    string `json:"day"`
	Purges int    `json:"purges"`
}
