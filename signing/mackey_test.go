package signing

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/c2sp/wycheproof"
)

func TestMACKeyIsTheMAC(t *testing.T) {
	own := slices.Clone(testKey)
	key := NewMACKey(own)
	clear(own) // it keeps its own copy
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			for size := range 200 {
				message := []byte(fmt.Sprintf("%0*d", size, n))
				if key.MAC(message) != MAC(testKey, message) {
					t.Errorf("another MAC of %d bytes", len(message))
				}
				if key.mac(message, true) != MAC([]byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"), message) {
					t.Errorf("another MAC of %d bytes under the key's text", len(message))
				}
			}
		})
	}
	wait.Wait()
}

func TestMACKeyPrintsNoKey(t *testing.T) {
	key := NewMACKey(testKey)
	key.MAC(nil)
	printed := fmt.Sprintf("%v %+v %#v", key, key, key)
	for _, secret := range []string{
		string(testKey), hex.EncodeToString(testKey), "48 49 50 51 52", "0x30, 0x31, 0x32",
	} {
		if strings.Contains(printed, secret) {
			t.Errorf("the key is printed: %d bytes of it", len(secret))
		}
	}
}

func TestEmptyMACKeySignsNothing(t *testing.T) {
	for _, empty := range [][]byte{nil, {}} {
		key := NewMACKey(empty)
		call, err := ParseTagged(nil, SignTagged("tEsTkId1", nil, nil))
		if err != nil || key.Signed(call) {
			t.Errorf("an empty key verifies (%v)", err)
		}
		if _, ok := key.SignedAs(call, nil); ok {
			t.Error("an empty key verifies as a variant")
		}
		if _, ok := call.SignedAs(empty, Compat{KeyASCII}); ok {
			t.Error("an empty key verifies")
		}
	}
}

// Tags of full size are as Project Wycheproof says; the tags of half the size
// that it calls valid are no tags here.
func TestMACWycheproof(t *testing.T) {
	type group struct {
		TagSize int
		Tests   []struct {
			ID      int `json:"tcId"`
			Key     string
			Message string `json:"msg"`
			Tag     string
			Result  string
		}
	}
	var file struct{ TestGroups []group }
	f, err := wycheproof.TestVectors.Open("hmac_sha256_test.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(&file); err != nil {
		t.Fatal(err)
	}
	verdicts := map[bool]int{}
	for _, g := range file.TestGroups {
		for _, test := range g.Tests {
			text := tagEncoding.EncodeToString(unhex(t, test.Tag))
			call, err := ParseTagged(unhex(t, test.Message), "v1:tEsTkId1:"+text)
			got := err == nil && NewMACKey(unhex(t, test.Key)).Signed(call)
			if want := test.Result == "valid" && g.TagSize == TagSize*8; got != want {
				t.Errorf("%d: signed = %v, want %v", test.ID, got, want)
			}
			if err == nil && call.SignedBy(unhex(t, test.Key)) != got {
				t.Errorf("%d: the bare key says otherwise", test.ID)
			}
			verdicts[got]++
		}
	}
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("%d accepted, %d refused", verdicts[true], verdicts[false])
	}
}

// Wiped, a key signs as nobody's, and not as one of zeros that all know.
func TestMACKeyWipe(t *testing.T) {
	k := NewMACKey(testKey)
	k.MAC([]byte("m"))
	k.Wipe()
	for name, key := range map[string][]byte{"the key": testKey, "zeros": make([]byte, len(testKey))} {
		if k.MAC([]byte("m")) == MAC(key, []byte("m")) {
			t.Errorf("a wiped key is %s", name)
		}
	}
}
