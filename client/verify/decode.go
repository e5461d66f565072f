package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vault"
	"vault-plugin-secrets-apikeys/internal/apikey"
)

// verdict reads the answer. Each caller reads its own, while the next request is already under way.
func (a rawAnswer) verdict() (Verdict, error) {
	switch {
	case a.err != nil:
		return Verdict{}, a.err
	case a.packed != nil:
		return a.packed.verdict()
	}
	return verdictOf(a.data)
}

// verdictOf reads the answer to one call, alone or in a list. Fields that later engines may add are ignored. A verdict
// that is not known, or contradicts its other fields, is an [ErrUnknown].
func verdictOf(data map[string]any) (Verdict, error) {
	if why, failed := data["error"].(string); failed && data["verdict"] == "" {
		return Verdict{}, fmt.Errorf("%w: %s", ErrUnavailable, why)
	}
	d := decoder{data: data}
	v := Verdict{Valid: required[bool](&d, "valid"), Code: Code(required[string](&d, "verdict"))}
	if d.signed(&v) {
		d.verdictFields(&v)
		v.KeyID, v.State = d.nonEmpty("key_id"), d.nonEmpty("state")
		v.Variant, v.ContentDigest = optional[string](&d, "variant"), optional[string](&d, "content_digest")
	}
	v.ReplayTableFull = optional[bool](&d, "replay_table_full")
	return d.result(v)
}

// decoder reads fields and notes the first that is wrong.
type decoder struct {
	data  map[string]any
	wrong string
}

func (d *decoder) refuse(name string) {
	if d.wrong == "" {
		d.wrong = name
	}
}

// signed reports whether a verdict was reached on a right signature. It refuses one that is not known or contradicts
// valid.
func (d *decoder) signed(v *Verdict) bool {
	verdict := apikey.Verdict(v.Code)
	if !slices.Contains(apikey.Verdicts, verdict) || v.Valid != (verdict == apikey.Valid) {
		d.refuse("verdict")
	}
	return verdict.Signed()
}

// result returns what was read, unless something was wrong.
func (d *decoder) result(v Verdict) (Verdict, error) {
	if d.wrong != "" {
		return Verdict{}, fmt.Errorf("%w: %w: %s", ErrUnknown, vault.ErrMalformed, d.wrong)
	}
	return v, nil
}

// required returns a field that has to be there.
func required[T any](d *decoder, name string) T {
	value, ok := d.data[name].(T)
	if !ok {
		d.refuse(name)
	}
	return value
}

// optional returns a field, or the zero value if it is not there.
func optional[T any](d *decoder, name string) (value T) {
	if d.data[name] == nil {
		return value
	}
	return required[T](d, name)
}

// verdictFields reads what a verdict tells of the version whose signature is right.
func (d *decoder) verdictFields(v *Verdict) {
	v.Tenant, v.Kind, v.Name, v.Scheme = d.nonEmpty("tenant"), d.nonEmpty("kind"), d.nonEmpty("name"), d.nonEmpty(
		"scheme",
	)
	v.User, v.SuccessorKeyID = optional[string](d, "user"), optional[string](d, "successor_key_id")
	v.Version = int(d.positiveInt("version"))
	v.ServerTime = d.timestamp("server_time")
	if end, ok := d.data["expires_at"]; end != nil || !ok {
		v.ExpiresAt = d.timestamp("expires_at")
	}
	v.Metadata = d.stringMap("metadata")
}

// stringMap returns a map of texts, nil if there are none.
func (d *decoder) stringMap(name string) map[string]string {
	given := optional[map[string]any](d, name)
	if len(given) == 0 {
		return nil
	}
	pairs := make(map[string]string, len(given))
	for key, value := range given {
		text, ok := value.(string)
		if !ok {
			d.refuse(name)
		}
		pairs[key] = text
	}
	return pairs
}

// positiveInt returns a whole number above 0 that has to be there.
func (d *decoder) positiveInt(name string) int64 {
	n, err := strconv.ParseInt(required[json.Number](d, name).String(), 10, 32)
	if err != nil || n < 1 {
		d.refuse(name)
	}
	return n
}

// nonEmpty returns a text that has to be there and must not be empty.
func (d *decoder) nonEmpty(name string) string {
	text := required[string](d, name)
	if text == "" {
		d.refuse(name)
	}
	return text
}

func (d *decoder) timestamp(name string) time.Time {
	t, err := time.Parse(time.RFC3339, required[string](d, name))
	if err != nil {
		d.refuse(name)
	}
	return t
}
