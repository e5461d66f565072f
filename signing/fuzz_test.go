package signing

import (
	"strings"
	"testing"
	"time"
)

func FuzzParseHead(f *testing.F) {
	for _, v := range vrnt1Vectors(f) {
		f.Add([]byte(v.signed()))
		f.Add([]byte(strings.ReplaceAll(v.unsigned(), "\n", "\r\n") + "\r\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHead(b)
		if err != nil {
			return
		}
		if h.String() != string(b) {
			t.Fatal("not written back as read")
		}
		again, err := ParseHead([]byte(rewrite(h)))
		if err != nil || rewrite(again) != rewrite(h) {
			t.Fatalf("parts do not make the same head: %v", err)
		}
	})
}

// rewrite makes a head of the parts of h. Its lines end with LF.
func rewrite(h *Head) string {
	var b strings.Builder
	b.WriteString(h.Method() + " " + h.Path())
	if query, ok := h.Query(); ok {
		b.WriteString("?" + query)
	}
	if h.Version() != "" {
		b.WriteString(" " + h.Version())
	}
	for _, header := range h.Headers() {
		b.WriteString("\n" + header.Name + ":" + header.Value)
	}
	return b.String()
}

func FuzzParseVrnt1Header(f *testing.F) {
	for _, v := range vrnt1Vectors(f) {
		f.Add(v.Authorization)
		f.Add(strings.Replace(v.Authorization, "Z", ".0Z", 1))
		f.Add(v.Authorization[:len(v.Authorization)-1] + "\n")
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVrnt1Header(s)
		if err == nil && v.String() != s {
			t.Fatalf("written back as %q", v)
		}
	})
}

func FuzzParseTagged(f *testing.F) {
	good := SignTagged("tEsTkId1", testKey, nil)
	f.Add(good)
	f.Add(good + "=")
	f.Add(good[:len(good)-1] + "\n")
	f.Fuzz(func(t *testing.T, s string) {
		call, err := ParseTagged(nil, s)
		if err == nil && formatTagged(call.KeyID, call.Tag) != s {
			t.Fatal("not written back as read")
		}
	})
}

// FuzzParseCall also signs each head that is not signed yet and expects the
// result to verify.
func FuzzParseCall(f *testing.F) {
	for _, v := range vrnt1Vectors(f) {
		f.Add([]byte(v.signed()))
		f.Add([]byte(v.unsigned()))
	}
	f.Add([]byte("GET /\r\nSignature-Input: a\r\nSignature: b\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHead(b)
		if err != nil {
			return
		}
		if call, err := ParseCall(h); err == nil {
			call.SignedBy(testKey)
			return
		}
		now := time.Unix(1736937000, 0)
		add, err := SignHead(Vrnt1, h, "tEsTkId1", testKey, now)
		if err != nil {
			return
		}
		signed, err := ParseHead([]byte(rewrite(h) + "\n" + add[0].Name + ":" + add[0].Value))
		if err != nil {
			t.Fatal(err)
		}
		call, err := ParseCall(signed)
		if err != nil || !call.SignedBy(testKey) || !call.Time.Equal(now) {
			t.Fatalf("our own signature does not verify: %v", err)
		}
	})
}
