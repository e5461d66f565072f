package verify

import (
	"errors"
	"strings"
	"testing"
)

const (
	packedValid   = `{"valid":true,"verdict":"valid","key_id":"0123456789abcdef","state":"current"}`
	packedVersion = `{"tenant":"acme","kind":"external","name":"orders","scheme":"rfc9421","version":2,` +
		`"server_time":"2026-01-01T00:00:00Z","expires_at":null}`
	packedOf = `,"versions":{"0123456789abcdef":` + packedVersion + `}}`
	ofNone   = `,"versions":{}}`
)

// packed is an answer with one result, and what comes behind the results.
func packed(result, behind string) string { return `{"results":[` + result + `]` + behind }

func replaced(text, old, with string) string { return strings.Replace(text, old, with, 1) }

// TestUnpack reads what the engine packs, and takes nothing else for a verdict.
func TestUnpack(t *testing.T) {
	for text, want := range map[string]any{
		packed(packedValid, packedOf):                                                   Valid,
		packed(`{"valid":false,"verdict":"unknown_key"}`, ofNone):                       UnknownKey,
		packed(`{"valid":false,"verdict":"malformed","error":"request: missing"}`, `}`): Malformed,
		packed(`{"valid":false,"verdict":"","error":"storage"}`, `}`):                   ErrUnavailable,
		packed(replaced(packedValid, `"state"`, `"later":1,"state"`), packedOf):         Valid,
		``:                              ErrUnknown,
		`null`:                          ErrUnknown,
		`{}`:                            ErrUnknown,
		`[]`:                            ErrUnknown,
		`{"results":null}`:              ErrUnknown,
		`{"results":[]}`:                ErrUnknown,
		`{"results":["x"]}`:             ErrUnknown,
		`{"results":[null]}`:            ErrUnknown,
		`{"results":[{}]}`:              ErrUnknown,
		`{"results":[{},{}]}`:           ErrUnknown,
		`{"results":[{}],"versions":7}`: ErrUnknown,
		packed(packedValid, ofNone):     ErrUnknown,
		packed(packedValid, `,"versions":{"0123456789abcdef":null}}`):                                  ErrUnknown,
		packed(packedValid, `,"versions":{"0123456789abcdef":7}}`):                                     ErrUnknown,
		packed(packedValid, replaced(packedOf, `"acme"`, `""`)):                                        ErrUnknown,
		packed(packedValid, replaced(packedOf, `2,`, `"2",`)):                                          ErrUnknown,
		packed(packedValid, replaced(packedOf, `,"expires_at":null`, ``)):                              ErrUnknown,
		packed(replaced(packedValid, `"current"`, `""`), packedOf):                                     ErrUnknown,
		packed(replaced(packedValid, `true`, `false`), packedOf):                                       ErrUnknown,
		packed(replaced(packedValid, `true`, `"true"`), packedOf):                                      ErrUnknown,
		packed(replaced(packedValid, `"valid",`, `"good",`), packedOf):                                 ErrUnknown,
		packed(replaced(packedValid, `cdef`, `cdee`), packedOf):                                        ErrUnknown,
		packed(packedValid, packedOf+`x`):                                                              ErrUnknown,
		packed(`{"valid":false,"verdict":"replayed","key_id":"0123456789abcdef","state":"x"}`, ofNone): ErrUnknown,
	} {
		v, err := unpackOne(text)
		if failure, fails := want.(error); fails {
			if !errors.Is(err, failure) || v.Code != "" ||
				errors.Is(failure, ErrUnknown) != errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v, %v; want %v", text, v, err, failure)
			}
		} else if err != nil || v.Code != want || v.Valid != (want == Valid) || v.Valid &&
			(v.Tenant != "acme" || v.Version != 2 || v.State != "current") {
			t.Errorf("%s: %v, %v; want %v", text, v, err, want)
		}
	}
}

// unpackOne reads a text with one result, as a batch of one packed call would.
func unpackOne(text string) (Verdict, error) {
	answers, err := unpack(text, 1)
	if err != nil {
		return Verdict{}, errors.Join(ErrUnknown, err)
	}
	return answers[0].verdict()
}

func FuzzUnpack(f *testing.F) {
	f.Add(`{"results":[` + packedValid + `]` + packedOf)
	f.Add(`{"results":[{"valid":false,"verdict":"","error":"storage"}],"versions":{"":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := unpackOne(text)
		told := v.Tenant != "" && v.KeyID != "" && v.State != "" && v.Scheme != "" && v.Version > 0
		if (err == nil) != (v.Code != "") || v.Valid != (v.Code == Valid) || told != (v.Tenant != "") ||
			v.Valid && !told {
			t.Fatalf("%v, %v", v, err)
		}
	})
}
