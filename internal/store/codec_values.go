package store

import (
	"time"
	"unique"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// intern lets decoded records share one copy of equal strings.
func intern[S ~string](s S) S { return unique.Make(s).Value() }

func seconds(d time.Duration) int64  { return int64(d / time.Second) }
func duration(s int64) time.Duration { return time.Duration(s) * time.Second }

func storeOverlapFrom(k *apikey.Key) *int64 {
	if k.OverlapFrom == apikey.OverlapUnknown {
		return nil
	}
	from := int64(-1)
	if k.OverlapFrom >= 0 {
		from = seconds(k.OverlapFrom)
	}
	return &from
}

type storedActor struct {
	EntityID  string `json:"entity_id,omitempty"`
	Accessor  string `json:"accessor,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Name      string `json:"name,omitempty"`
}

func storeActor(a apikey.Actor) *storedActor {
	if a == (apikey.Actor{}) {
		return nil
	}
	return (*storedActor)(&a)
}

func (a *storedActor) actor() apikey.Actor {
	if a == nil {
		return apikey.Actor{}
	}
	return apikey.Actor(*a)
}
