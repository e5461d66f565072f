package signing

import (
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// The vectors were computed by other tools; both files say how.
var (
	//go:embed testdata/vrnt1.json
	vrnt1JSON []byte
	//go:embed testdata/standards.json
	standardsJSON []byte
)

type vrnt1Vector struct {
	ID            string
	Variant       string
	ExpectStrict  string `json:"expect_strict"`
	Key           string
	KeyHex        string `json:"key_hex"`
	KeyID         string `json:"kid"`
	Salt          string
	IssuedAt      time.Time `json:"iat"`
	Method        string
	RequestTarget string `json:"request_target"`
	Headers       [][2]string
	StringToSign  string `json:"string_to_sign"`
	Sig           string
	Authorization string
}

func vrnt1Vectors(t testing.TB) []vrnt1Vector {
	t.Helper()
	var file struct{ Vectors []vrnt1Vector }
	if err := json.Unmarshal(vrnt1JSON, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return file.Vectors
}

func vrnt1Row(t testing.TB, prefix string) vrnt1Vector {
	t.Helper()
	for _, v := range vrnt1Vectors(t) {
		if strings.HasPrefix(v.ID, prefix) {
			return v
		}
	}
	t.Fatalf("no vector %s", prefix)
	return vrnt1Vector{}
}

func (v vrnt1Vector) key(t testing.TB) []byte {
	t.Helper()
	key, err := base64.RawURLEncoding.Strict().DecodeString(v.Key)
	if err != nil || hex.EncodeToString(key) != v.KeyHex {
		t.Fatal("key and key_hex of the vector differ")
	}
	return key
}

// unsigned returns the vector's request head without its Authorization.
func (v vrnt1Vector) unsigned() string {
	lines := []string{v.Method + " " + v.RequestTarget + " HTTP/1.1"}
	for _, h := range v.Headers {
		lines = append(lines, h[0]+": "+h[1])
	}
	return strings.Join(lines, "\n") + "\n"
}

func (v vrnt1Vector) signed() string {
	return v.unsigned() + "Authorization: " + v.Authorization + "\n"
}

func TestVrnt1VectorsVerify(t *testing.T) {
	for _, v := range vrnt1Vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			call, err := ParseCall(mustParseHead(t, v.signed()))
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("error %v is not ErrMalformed", err)
			}
			got := err == nil && call.SignedBy(v.key(t))
			want := v.ExpectStrict == "accept"
			if strings.HasPrefix(v.ID, "N08-") {
				// The MAC of the row is right; only a clock refuses it, and
				// clocks are not this package's.
				want = true
			}
			if got != want {
				t.Fatalf("signed = %v, want %v (%v)", got, want, err)
			}
			if !want {
				return
			}
			if string(call.Message) != v.StringToSign {
				t.Errorf("message %q, want %q", call.Message, v.StringToSign)
			}
			if call.Scheme != Vrnt1 || call.KeyID != v.KeyID || call.Nonce != v.Salt || !call.Time.Equal(v.IssuedAt) {
				t.Errorf("call is %s of %s, nonce %s at %s", call.Scheme, call.KeyID, call.Nonce, call.Time)
			}
		})
	}
}

// A signer that is right writes the header of each accepted row, byte for byte.
func TestVrnt1VectorsSign(t *testing.T) {
	for _, v := range vrnt1Vectors(t) {
		if v.ExpectStrict != "accept" {
			continue
		}
		h := mustParseHead(t, v.unsigned())
		add, err := signVrnt1(h, v.Salt, v.KeyID, v.key(t), v.IssuedAt)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		if want := (Header{"Authorization", v.Authorization}); len(add) != 1 || add[0] != want {
			t.Errorf("%s: got %v, want %v", v.ID, add, want)
		}
	}
}

// The string to sign and the sig of every row belong together, those of the
// variants and the hostile rows too.
func TestVrnt1VectorsMAC(t *testing.T) {
	cut := map[string]bool{"N04": true, "N05": true, "N06": true} // sig is not a tag
	for _, v := range vrnt1Vectors(t) {
		tag := MAC(v.key(t), []byte(v.StringToSign))
		got := base64.RawURLEncoding.EncodeToString(tag[:])
		if (got == v.Sig) == cut[v.ID[:3]] {
			t.Errorf("%s: sig %s, vector has %s", v.ID, got, v.Sig)
		}
	}
}

func TestMACRFC4231(t *testing.T) {
	var file struct {
		Rows []struct {
			ID  string
			Key string `json:"key_hex"`
			Msg string `json:"msg_hex"`
			MAC string `json:"mac_hex"`
		} `json:"rfc4231_hmac_sha256"`
	}
	if err := json.Unmarshal(standardsJSON, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Rows) == 0 {
		t.Fatal("no vectors")
	}
	for _, row := range file.Rows {
		tag := MAC(unhex(t, row.Key), unhex(t, row.Msg))
		if got := hex.EncodeToString(tag[:]); got != row.MAC {
			t.Errorf("%s: %s, want %s", row.ID, got, row.MAC)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustParseHead(t testing.TB, text string) *Head {
	t.Helper()
	h, err := ParseHead([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}
