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
)

// TestUnpack reads what the engine packs, and takes nothing else for a verdict.
func TestUnpack(t *testing.T) {
	for text, want := range map[string]any{
		`{"results":[` + packedValid + `]` + packedOf:                                                     Valid,
		`{"results":[{"valid":false,"verdict":"unknown_key"}],"versions":{}}`:                             UnknownKey,
		`{"results":[{"valid":false,"verdict":"malformed","error":"request: missing"}]}`:                  Malformed,
		`{"results":[{"valid":false,"verdict":"","error":"storage"}]}`:                                    ErrUnavailable,
		`{"results":[` + strings.Replace(packedValid, `"state"`, `"later":1,"state"`, 1) + `]` + packedOf: Valid,
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
		`{"results":[` + packedValid + `],"versions":{}}`:                                                          ErrUnknown,
		`{"results":[` + packedValid + `],"versions":{"0123456789abcdef":null}}`:                                   ErrUnknown,
		`{"results":[` + packedValid + `],"versions":{"0123456789abcdef":7}}`:                                      ErrUnknown,
		`{"results":[` + packedValid + `]` + strings.Replace(packedOf, `"acme"`, `""`, 1):                          ErrUnknown,
		`{"results":[` + packedValid + `]` + strings.Replace(packedOf, `2,`, `"2",`, 1):                            ErrUnknown,
		`{"results":[` + packedValid + `]` + strings.Replace(packedOf, `,"expires_at":null`, ``, 1):                ErrUnknown,
		`{"results":[` + strings.Replace(packedValid, `"current"`, `""`, 1) + `]` + packedOf:                       ErrUnknown,
		`{"results":[` + strings.Replace(packedValid, `true`, `false`, 1) + `]` + packedOf:                         ErrUnknown,
		`{"results":[` + strings.Replace(packedValid, `true`, `"true"`, 1) + `]` + packedOf:                        ErrUnknown,
		`{"results":[` + strings.Replace(packedValid, `"valid",`, `"good",`, 1) + `]` + packedOf:                   ErrUnknown,
		`{"results":[` + strings.Replace(packedValid, `cdef`, `cdee`, 1) + `]` + packedOf:                          ErrUnknown,
		`{"results":[` + packedValid + `]` + packedOf + `x`:                                                        ErrUnknown,
		`{"results":[{"valid":false,"verdict":"replayed","key_id":"0123456789abcdef","state":"x"}],"versions":{}}`: ErrUnknown,
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
