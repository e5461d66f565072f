package store

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/signing"
)

// storedRole is a record under roles/.
type storedRole struct {
	header
	UID         string            `json:"uid"`
	Revision    int               `json:"revision"`
	Description string            `json:"description,omitempty"`
	Owner       string            `json:"owner,omitempty"`
	Scheme      string            `json:"scheme"`
	TTL         int64             `json:"ttl"`
	MaxTTL      int64             `json:"max_ttl"`
	MaxLeased   int               `json:"max_leased,omitempty"`
	Replay      bool              `json:"replay"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	storedLimits
	Epoch          int            `json:"epoch,omitempty"`
	RevokedBefore  time.Time      `json:"revoked_before,omitzero"`
	RevokedReason  string         `json:"revoked_reason,omitempty"` // of the last revocation
	EarlierReasons []storedReason `json:"earlier_reasons,omitempty"`
	CreatedAt      time.Time      `json:"created_at"`
	DeletedAt      time.Time      `json:"deleted_at,omitzero"`
}

type storedReason struct {
	Epoch  int    `json:"epoch"`
	Reason string `json:"reason"`
}

func encodeRole(r *apikey.Role) ([]byte, error) {
	last, earlier := "", []storedReason(nil)
	for _, why := range r.Reasons.Get().List() {
		if why.Epoch == r.Epoch {
			last = why.Text
		} else {
			earlier = append(earlier, storedReason{why.Epoch, why.Text})
		}
	}
	return encode(storedRole{
		header: header{
			schema,
		},
		UID:            r.UID,
		Revision:       r.Revision,
		Description:    r.Description,
		Owner:          r.Owner,
		Scheme:         string(r.Scheme),
		TTL:            seconds(r.TTL),
		MaxTTL:         seconds(r.MaxTTL),
		MaxLeased:      r.MaxLeased,
		Replay:         r.Replay,
		Metadata:       r.Metadata.Map(),
		storedLimits:   storeLimits(&r.Limits),
		Epoch:          r.Epoch,
		RevokedBefore:  r.RevokedBefore,
		RevokedReason:  last,
		EarlierReasons: earlier,
		CreatedAt:      r.CreatedAt,
		DeletedAt:      r.DeletedAt,
	})
}

func decodeRole(at location, raw []byte) (*apikey.Role, error) {
	var s storedRole
	if err := decode(at.family, raw, &s); err != nil {
		return nil, err
	}
	var reasons []apikey.Reason
	for _, why := range s.EarlierReasons {
		reasons = append(reasons, apikey.Reason{Epoch: why.Epoch, Text: why.Reason})
	}
	if s.RevokedReason != "" {
		reasons = append(reasons, apikey.Reason{Epoch: s.Epoch, Text: s.RevokedReason})
	}
	return &apikey.Role{
		Tenant:        at.tenant,
		Kind:          at.kind,
		Name:          apikey.Name(at.name),
		UID:           s.UID,
		Revision:      s.Revision,
		Description:   s.Description,
		Owner:         s.Owner,
		Scheme:        signing.Scheme(s.Scheme),
		TTL:           duration(s.TTL),
		MaxTTL:        duration(s.MaxTTL),
		MaxLeased:     s.MaxLeased,
		Replay:        s.Replay,
		Metadata:      apikey.PairsOf(s.Metadata),
		Limits:        s.limits(),
		Epoch:         s.Epoch,
		RevokedBefore: s.RevokedBefore,
		Reasons:       apikey.Intern(apikey.ReasonsOf(reasons)),
		CreatedAt:     s.CreatedAt,
		DeletedAt:     s.DeletedAt,
	}, nil
}
