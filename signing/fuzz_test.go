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

// FuzzParseCall also signs each head that is not signed yet, in both schemes,
// and expects the result to verify, and not to once a byte of it has changed.
func FuzzParseCall(f *testing.F) {
	for _, v := range vrnt1Vectors(f) {
		f.Add([]byte(v.signed()), uint16(7), byte(1))
		f.Add([]byte(v.unsigned()), uint16(70), byte(32))
	}
	f.Add([]byte("GET /\r\nSignature-Input: a\r\nSignature: b\r\n\r\n"), uint16(0), byte(0))
	f.Add(
		[]byte("PUT /a%20b?c\nHost: h\nContent-Length: 18\nContent-Digest: "+testDigest+"\nVerint-B: C\nVerint-A: b"),
		uint16(9),
		byte(2),
	)
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		h, err := ParseHead(b)
		if err != nil {
			return
		}
		strict, err := ParseCall(h)
		lenient, lenientErr := ParseLenientCall(h)
		if err == nil &&
			(lenientErr != nil || lenient.Form != nil || string(lenient.Message) != string(strict.Message)) {
			t.Fatalf("strict, and of form %v (%v)", lenient.Form, lenientErr)
		}
		if lenientErr == nil {
			for _, c := range everything {
				if _, ok := lenient.SignedAs(testKey, c); ok {
					t.Fatal("signed by a key that no seed is signed by")
				}
			}
			return
		}
		for _, s := range []Scheme{Vrnt1, RFC9421} {
			now := time.Unix(1736937000, 0)
			add, err := SignHead(s, h, "tEsTkId1", testKey, now)
			if err != nil {
				continue
			}
			text := rewrite(h)
			for _, header := range add {
				text += "\n" + header.Name + ":" + header.Value
			}
			signed, err := ParseHead([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			call, err := ParseCall(signed)
			if err != nil || !call.SignedBy(testKey) || !call.Time.Equal(now) || call.Scheme != s {
				t.Fatalf("our own signature does not verify: %v", err)
			}
			forged := []byte(text)
			forged[int(at)%len(forged)] ^= flip
			other, err := ParseHead(forged)
			if err != nil {
				continue
			}
			again, err := ParseCall(other)
			if err == nil && again.SignedBy(testKey) && string(again.Message) != string(call.Message) {
				t.Fatal("a forged call is signed")
			}
		}
	})
}
