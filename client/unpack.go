package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// packedResult is what results_json has of one call.
type packedResult struct {
	text    json.RawMessage
	version func(keyID string) (Verdict, error) // what is told of the version that signed
}

// unpack returns the results that are in a results_json.
func unpack(text string) ([]judged, error) {
	var told struct {
		Results  []json.RawMessage
		Versions map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return nil, err
	}
	versions := make(map[string]func() (Verdict, error), len(told.Versions))
	for id, text := range told.Versions {
		versions[id] = sync.OnceValues(func() (Verdict, error) { return versionOf(text) })
	}
	version := func(keyID string) (Verdict, error) {
		if read := versions[keyID]; read != nil {
			return read()
		}
		return (&decoder{wrong: "versions"}).end(Verdict{})
	}
	answers := make([]judged, len(told.Results))
	for i, result := range told.Results {
		answers[i].packed = &packedResult{result, version}
	}
	return answers, nil
}

func (p *packedResult) verdict() (Verdict, error) {
	var told struct {
		Valid           bool
		Verdict         string
		Error           string
		KeyID           string `json:"key_id"`
		State           string
		Variant         string
		ContentDigest   string `json:"content_digest"`
		ReplayTableFull bool   `json:"replay_table_full"`
	}
	var d decoder
	if err := json.Unmarshal(p.text, &told); err != nil {
		d.refuse("results")
		return d.end(Verdict{})
	}
	if told.Verdict == "" && told.Error != "" {
		return Verdict{}, fmt.Errorf("%w: %s", ErrUnavailable, told.Error)
	}
	v := Verdict{Verdict: told.Verdict, Valid: told.Valid}
	if d.signed(&v) {
		var err error
		if v, err = p.version(told.KeyID); err != nil {
			return Verdict{}, err
		}
		if told.State == "" {
			d.refuse("state")
		}
		v.Verdict, v.Valid, v.KeyID, v.State = told.Verdict, told.Valid, told.KeyID, told.State
		v.Variant, v.ContentDigest = told.Variant, told.ContentDigest
	}
	v.ReplayTableFull = told.ReplayTableFull
	return d.end(v)
}

// versionOf reads what results_json tells of a version.
func versionOf(text json.RawMessage) (v Verdict, err error) {
	var d decoder
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&d.data); err != nil {
		d.refuse("versions")
	} else {
		d.told(&v)
	}
	return d.end(v)
}
