package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/signing"
)

// Bounds of what callers may write, as the API enforces them.
const (
	metadataPairs    = 64
	metadataKey      = 64
	metadataValue    = 256
	revealRequestID  = 128
	liveVersions     = 20
	importedKeyID    = 64
	identity         = 64 // of Vault's: an entity ID has 36 bytes, an accessor about 30
	vaultsRequestID  = 36
	roomForTheFuture = 16 << 10
)

// The characters that JSON makes longest, among those that callers may write.
var worst = []string{"\"", "\\", "\n", "\t", "\u2028", "<", "é"}

// largest is a key with all that it may hold, each text of n bytes of the character c.
func largest(c string) *apikey.Key {
	text := func(n int) string { return strings.Repeat(c, n/len(c)) }
	by := apikey.Actor{
		EntityID: text(identity), Accessor: text(identity), RequestID: text(revealRequestID),
		Name: text(apikey.MaxActorName),
	}
	k := &apikey.Key{
		Ref: apikey.Ref{Tenant: "acme", Kind: apikey.External, Name: "billing"},
		UID: strings.Repeat("U", 26),
		Settings: apikey.Settings{
			Description:       text(apikey.MaxDescription),
			Owner:             text(apikey.MaxOwner),
			Scheme:            signing.HMACSHA256,
			TTL:               36500 * day,
			Date:              apikey.Intern(start),
			AutoRotate:        true,
			Overlap:           apikey.MaxOverlap,
			Reveal:            apikey.RevealAlways,
			Replay:            true,
			DeletionProtected: true,
		},
		CreatedAt:      start,
		DisabledAt:     start,
		DisabledReason: text(apikey.MaxReason),
		LastRotation:   start,
		Revision:       1 << 30,
	}
	metadata := make(map[string]string)
	for n := range metadataPairs {
		number := fmt.Sprintf("%02d", n)
		metadata[number+text(metadataKey-len(number))] = text(metadataValue)
	}
	k.Metadata = apikey.PairsOf(metadata)
	for n := range liveVersions + apikey.KeptEnded {
		v := apikey.Version{
			KeyID: imported(n), Number: n + 1, Secret: secret.New([]byte(strings.Repeat("k", apikey.MaxSecret))),
			IssuedAt: start, ExpiresAt: start.Add(90 * day), RotatedFrom: imported(n - 1), RotatedTo: imported(n + 1),
			RevealedAt: start, RevealedTo: apikey.Intern(by), DisabledAt: start, DisabledReason: text(apikey.MaxReason),
		}
		if n < apikey.KeptEnded {
			v.RevokedAt, v.RevokedReason = start, text(apikey.MaxReason)
		}
		k.Versions = append(k.Versions, v)
	}
	for range apikey.MaxHistory {
		k.History = append(k.History, apikey.Change{
			Time:      start,
			Operation: "disable",
			KeyID:     imported(1),
			Reason:    text(apikey.MaxReason),
			Actor: apikey.Actor{
				EntityID:  by.EntityID,
				Accessor:  by.Accessor,
				RequestID: strings.Repeat("r", vaultsRequestID),
				Name:      by.Name,
			},
		})
	}
	return k
}

func imported(n int) string { return fmt.Sprintf("%0*d", importedKeyID, n) }

// The largest record fits, and so does all that may still be done to it.
func TestLargestRecordFitsWithRoom(t *testing.T) {
	for _, c := range worst {
		k := largest(c)
		raw, err := encodeKey(k)
		must(t, err)
		if len(raw) > maxRecord-roomForTheFuture {
			t.Errorf("%q: %d bytes of %d", c, len(raw), maxRecord)
		}
		if k, err = decodeKey(locations[2].at, raw); err != nil {
			t.Fatal(err)
		}
		reason := strings.Repeat(c, apikey.MaxReason/len(c))
		for _, v := range k.Versions { // the live ones may all be revoked, then the key, then it is deleted
			k = done(t)(k.Revoke(v.KeyID, reason, k.History[0].Actor, start))
		}
		k = done(t)(k.Revoke("", reason, k.History[0].Actor, start))
		k.DeletionProtected = false
		k = done(t)(k.Delete(k.History[0].Actor, start))
		if _, err := encodeKey(k); err != nil {
			t.Errorf("%q: revoked and deleted: %v", c, err)
		}
		if _, err := encodeKey(k.Erase(0, start.Add(time.Hour))); err != nil {
			t.Errorf("%q: erased: %v", c, err)
		}
	}
}

func done(t *testing.T) func(*apikey.Key, error) *apikey.Key {
	return func(k *apikey.Key, err error) *apikey.Key {
		t.Helper()
		must(t, err)
		return k
	}
}

// What does not fit is refused, and what is there stays.
func TestTooLargeARecordIsRefused(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	before := w.fresh().view()
	_, err := w.update("billing", func(k *apikey.Key) (*apikey.Key, error) {
		s := k.Settings
		s.Description = strings.Repeat("x", maxRecord)
		return k.Change(s, admin, start)
	})
	if !errors.Is(err, refusal.Invalid) || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
	same(t, before, w)
}

// same fails the test unless the store and a fresh one both answer as in want.
func same(t *testing.T, want view, w *world) {
	t.Helper()
	if diff := cmp.Diff(want, w.view()); diff != "" {
		t.Errorf("the store (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, w.fresh().view()); diff != "" {
		t.Errorf("a fresh store (-want +got):\n%s", diff)
	}
}
