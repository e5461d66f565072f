package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

var needle = []byte("0123456789abcdefNEEDLE0123456789")

type holder struct {
	Public  Bytes
	private Bytes
	pointer *Bytes
	list    []Bytes
	table   map[string]Bytes
}

func TestCannotBePrinted(t *testing.T) {
	s := New(needle)
	h := holder{s, s, &s, []Bytes{s}, map[string]Bytes{"k": s}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%c", "%U"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, &s)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, &h)
		fmt.Fprintf(&out, verb, []any{h})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "h", h)
	fmt.Fprint(&out, fmt.Errorf("wrapped: %v", h))
	forms := []string{
		string(needle), hex.EncodeToString(needle), strings.ToUpper(hex.EncodeToString(needle)),
		base64.StdEncoding.EncodeToString(needle), base64.RawURLEncoding.EncodeToString(needle), "48 49 50",
	}
	for _, form := range forms {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed as %.8s…", form)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for _, v := range []any{New(needle), &holder{Public: New(needle)}, map[string]any{"k": New(needle)}} {
		if b, err := json.Marshal(v); !errors.Is(err, ErrMarshal) {
			t.Errorf("json of %T: %d bytes, error %v", v, len(b), err)
		}
	}
}

// fmt asks Format alone; others ask these.
func TestEveryWayOutIsShut(t *testing.T) {
	s := New(needle)
	if s.String() != redacted || s.GoString() != redacted || s.LogValue().String() != redacted {
		t.Error("a text holds the secret")
	}
	text, err := s.MarshalText()
	if !errors.Is(err, ErrMarshal) || text != nil {
		t.Errorf("text: %d bytes, error %v", len(text), err)
	}
	if err := gob.NewEncoder(io.Discard).Encode(map[string]Bytes{"k": s}); !errors.Is(err, ErrMarshal) {
		t.Errorf("gob: %v", err)
	}
	if _, err := xml.Marshal(s); !errors.Is(err, ErrMarshal) {
		t.Errorf("xml: %v", err)
	}
}

func TestBytes(t *testing.T) {
	in := bytes.Clone(needle)
	s := New(in)
	in[0] = 'X'
	if !bytes.Equal(s.Reveal(), needle) {
		t.Error("a secret must not follow its source")
	}
	if s.RevealText() != base64.RawURLEncoding.EncodeToString(needle) {
		t.Error("RevealText is not unpadded base64url")
	}
	if !s.Equal(New(needle)) || s.Equal(Random()) || s.Equal(Bytes{}) || !(Bytes{}).Equal(Bytes{}) {
		t.Error("Equal")
	}
	if s.Erased() || !(Bytes{}).Erased() || !New(nil).Erased() || Random().Erased() {
		t.Error("Erased")
	}
	if a, b := Random(), Random(); len(a.Reveal()) != KeySize || a.Equal(b) {
		t.Error("Random")
	}
}
