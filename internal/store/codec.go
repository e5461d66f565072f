package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// schema is written into every entry. Entries of older schemas stay readable for ever. Entries of newer schemas are
// refused and left alone.
const schema = 1

// maxRecord bounds an encoded record. Some backends of Vault refuse values of 512 KiB and more.
const maxRecord = 256 << 10

// ErrCorrupt is returned for an entry that this package cannot have written.
var ErrCorrupt = errors.New("entry is damaged")

// Unreadable reports whether err is about an entry that exists and cannot be read, because it is damaged or of a
// newer schema.
func Unreadable(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, refusal.Unavailable) && !errors.Is(err, errUnanswered)
}

// PublicText returns the text of err that may be shown to callers. The text of storage errors is for the log only.
func PublicText(err error) string {
	//mutate:true "errors of storage in reports of walks" ./internal/sweep TestSweepOfARecordThatFails
	if Unreadable(err) {
		return err.Error()
	}
	return refusal.PublicText(err, "storage has failed; the server's log says how")
}

// header is the common part of all entries.
type header struct {
	Schema int `json:"schema"`
}

func encode(v any) ([]byte, error) { return encodeUpTo(v, maxRecord) }

func encodeUpTo(v any, most int) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // escaping makes texts up to six times longer
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(raw) > most {
		return nil, refusal.Errorf(refusal.Invalid, "the record would have %d bytes and %d is the most", len(raw), most)
	}
	return raw, nil
}

// decode parses an entry strictly. Its errors never quote the entry, which may hold secrets.
func decode(family string, raw []byte, v any) error {
	var h header
	if err := json.Unmarshal(raw, &h); err != nil || h.Schema < 1 {
		return fmt.Errorf("%s: %w", family, ErrCorrupt)
	}
	if h.Schema > schema {
		return refusal.Errorf(
			refusal.Unavailable,
			"%s: an entry has schema %d, and this version of the plugin knows %d; run the newer version",
			family,
			h.Schema,
			schema,
		)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", family, ErrCorrupt)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", family, ErrCorrupt)
	}
	return nil
}

// storedClaim is an entry under ids/:
//
//	{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"billing","uid":"…"}
type storedClaim struct {
	header
	Family string `json:"family"`
	Tenant string `json:"tenant"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	UID    string `json:"uid"`
}

func encodeClaim(c claim) ([]byte, error) {
	return encode(storedClaim{header{schema}, c.at.family, string(c.at.tenant), string(c.at.kind), c.at.name, c.uid})
}

func decodeClaim(raw []byte) (claim, error) {
	var c storedClaim
	if err := decode(familyIDs, raw, &c); err != nil {
		return claim{}, err
	}
	at := location{intern(c.Family), intern(tenant.Name(c.Tenant)), intern(apikey.Kind(c.Kind)), c.Name}
	if again, ok := parsePath(at.path()); !ok || again != at || at.family != familyKeys && at.family != familyLeased {
		return claim{}, fmt.Errorf("%s: %w", familyIDs, ErrCorrupt)
	}
	return claim{at: at, uid: intern(c.UID)}, nil
}

// storedDue is an entry under due/: {"schema":1,"uid":"…"}. Its path holds the record's place and the time.
type storedDue struct {
	header
	UID string `json:"uid"`
}

func encodeDue(uid string) ([]byte, error) { return encode(storedDue{header{schema}, uid}) }
