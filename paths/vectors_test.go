package paths_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// vector is one known answer of vrnt-1; the file says how they were computed.
type vector struct {
	ID            string
	Strict        string `json:"expect_strict"`
	Key           string
	KeyID         string `json:"kid"`
	Now           time.Time
	Method        string
	Target        string      `json:"request_target"`
	Headers       [][2]string `json:"headers"`
	Authorization string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("../signing/testdata/vrnt1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors: %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// verdict is what the row's strict column means. The rows that the column calls "reject"
// are refused for different reasons.
func (v vector) verdict() apikey.Verdict {
	id, _, _ := strings.Cut(v.ID, "-")
	switch {
	case v.Strict == "accept":
		return apikey.Valid
	case id == "N08":
		return apikey.TooOld
	case id == "N04", id == "N05", id == "N06", id == "N07":
		return apikey.Malformed // not the form of a tag, or a parameter twice
	default:
		return apikey.BadSignature
	}
}

func (v vector) head() string {
	lines := []string{v.Method + " " + v.Target + " HTTP/1.1", "Host: api.example.com"}
	for _, h := range v.Headers {
		lines = append(lines, h[0]+": "+h[1])
	}
	return strings.Join(append(lines, "Authorization: "+v.Authorization), "\n")
}

// record returns the vector's key as it would have been made a day before.
func (v vector) record(t testing.TB, uid string) *apikey.Key {
	t.Helper()
	raw, err := base64.RawURLEncoding.Strict().DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	made := v.Now.Add(-24 * time.Hour)
	return &apikey.Key{
		Ref: apikey.Ref{Tenant: "acme", Kind: apikey.External, Name: "vector"}, UID: uid, Revision: 1, CreatedAt: made,
		Settings: apikey.Settings{
			Scheme:  signing.Vrnt1,
			TTL:     90 * 24 * time.Hour,
			Overlap: 7 * 24 * time.Hour,
			Reveal:  apikey.RevealNever,
			Replay:  true,
		},
		Versions: []apikey.Version{
			{
				KeyID:     v.KeyID,
				Number:    1,
				Secret:    secret.New(raw),
				IssuedAt:  made,
				ExpiresAt: made.Add(90 * 24 * time.Hour),
			},
		},
	}
}

func TestVectorsByTheCore(t *testing.T) {
	for _, v := range vectors(t) {
		got := apikey.Malformed
		if call, err := vectorCall(v); err == nil {
			g, _ := apikey.GrantOf(
				call.KeyID,
				v.record(t, "uid"),
				tenant.New("acme", v.Now),
				nil,
				tenant.DefaultConfig(),
			)
			got = apikey.Judge(&apikey.JudgeInput{Call: call, Grant: &g}, v.Now).Verdict
		}
		if got != v.verdict() {
			t.Errorf("%s: %s, want %s", v.ID, got, v.verdict())
		}
	}
}

func vectorCall(v vector) (*signing.Call, error) {
	head, err := signing.ParseHead([]byte(v.head()))
	if err != nil {
		return nil, err
	}
	return signing.ParseCall(head)
}

// The same through the handlers, at the vector's own time, with its key put into storage.
func TestVectorsByTheHandlers(t *testing.T) {
	for _, v := range vectors(t) {
		clocked(t, v.ID, func(t *testing.T, w *world) {
			wait(time.Until(v.Now))
			acme := w.Tenant("acme")
			plant(w, v.record(t, acme.Read("my").Str("uid")))
			call := fields{"request": v.head()}
			if got := w.Verdict(call); got != string(v.verdict()) {
				t.Errorf("%s, want %s", got, v.verdict())
			}
			if v.verdict() == apikey.Valid {
				acme.Write("my/verify", call).
					Is(fields{"verdict": "replayed", "key_id": v.KeyID, "name": "vector", "tenant": "acme"})
			}
		})
	}
}

// plant puts a record into storage, and has the engine find it there.
func plant(w *world, k *apikey.Key) {
	w.T.Helper()
	st := store.New()
	t, err := st.Tenant(context.Background(), w.Storage, k.Tenant)
	w.Must(err)
	_, err = st.UpdateKey(
		context.Background(),
		w.Storage,
		t,
		k.Kind,
		k.Name,
		func(*apikey.Key) (*apikey.Key, error) { return k, nil },
	)
	w.Must(err)
	w.Restart()
}
