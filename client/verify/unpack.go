package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// packedResult is what results_json says of one call.
type packedResult struct {
	Valid           bool
	Verdict         string
	Error           string
	KeyID           string `json:"key_id"`
	State           string
	Variant         string
	ContentDigest   string `json:"content_digest"`
	ReplayTableFull bool   `json:"replay_table_full"`

	version versionReader
}

// versionReader returns what results_json says of a version, read once for all calls that it signed, or which field is
// wrong.
type versionReader func() (v Verdict, wrong string)

// unpack returns the n results in a results_json.
func unpack(text string, n int) ([]rawAnswer, error) {
	var answer struct {
		Results  []packedResult
		Versions map[string]json.RawMessage
	}
	answer.Results = make([]packedResult, 0, n)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, err
	}
	if len(answer.Results) != n {
		return nil, vault.ErrMalformed
	}
	versions := make(map[string]versionReader, len(answer.Versions))
	for id, text := range answer.Versions {
		versions[id] = sync.OnceValues(func() (Verdict, string) { return versionOf(text) })
	}
	answers := make([]rawAnswer, n)
	for i := range answer.Results {
		r := &answer.Results[i]
		r.version = versions[r.KeyID]
		answers[i].packed = r
	}
	return answers, nil
}

func (r *packedResult) verdict() (Verdict, error) {
	if r.Verdict == "" && r.Error != "" {
		return Verdict{}, fmt.Errorf("%w: %s", ErrUnavailable, r.Error)
	}
	var d decoder
	v := Verdict{Code: Code(r.Verdict), Valid: r.Valid}
	if d.signed(&v) {
		v = d.version(r.version)
		v.Code, v.Valid, v.KeyID, v.State = Code(r.Verdict), r.Valid, r.KeyID, r.State
		v.Variant, v.ContentDigest = r.Variant, r.ContentDigest
		if v.State == "" {
			d.refuse("state")
		}
	}
	v.ReplayTableFull = r.ReplayTableFull
	return d.result(v)
}

func (d *decoder) version(read versionReader) Verdict {
	if read == nil {
		d.refuse("versions")
		return Verdict{}
	}
	v, wrong := read()
	if wrong != "" {
		d.refuse(wrong)
	}
	return v
}

// versionOf reads what results_json says of a version.
func versionOf(text json.RawMessage) (v Verdict, wrong string) {
	var d decoder
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&d.data); err != nil {
		return v, "versions"
	}
	d.verdictFields(&v)
	return v, d.wrong
}
