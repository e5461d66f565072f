package signing

import (
	"slices"
	"testing"
	"time"
)

func TestCovered(t *testing.T) {
	head := func(s string) *Head {
		t.Helper()
		h, err := ParseHeadString(s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	parsed := func(h *Head) *Call {
		t.Helper()
		c, err := ParseCall(h)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const plain = "POST /a?b HTTP/1.1\nHost: a.example\nVerint-UserName: Agent7\nDate: x\nVERINT-a: " +
		"b\nContent-Length: 0\n"
	for scheme, want := range map[Scheme][]string{Vrnt1: {"verint-a", "verint-username"}, RFC9421: nil} {
		h := head(plain)
		added, err := SignHead(scheme, h, "tEsTkId1", []byte("key"), time.Unix(1700000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := h.With(added)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed(signed).Covered(); !slices.Equal(got, want) {
			t.Errorf("%s covers %q, want %q", scheme, got, want)
		}
	}
	signed := head(
		plain + `Signature-Input: s=("@method" "verint-username" "@path" "@authority" "date" "@query");created=1;keyid="tEsTkId1";nonce="12345678"` +
			"\nSignature: s=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:\n",
	)
	if got, want := parsed(signed).Covered(), []string{"verint-username", "date"}; !slices.Equal(got, want) {
		t.Errorf("covers %q, want %q", got, want)
	}
	tagged, err := ParseTagged([]byte("x"), SignTagged("tEsTkId1", []byte("key"), []byte("x")))
	if err != nil || tagged.Covered() != nil {
		t.Errorf("a message covers %q: %v", tagged.Covered(), err)
	}
	if got := new(Call).Covered(); got != nil {
		t.Errorf("nothing covers %q", got)
	}
}
