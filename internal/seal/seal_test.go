package seal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

const plain = `{"key":"hunter2"}`

// person is a recipient with what opens files sealed to it.
type person struct {
	recipient string
	identity  age.Identity
}

func native(t *testing.T) person {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return person{id.Recipient().String(), id}
}

func quantum(t *testing.T) person {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return person{id.Recipient().String(), id}
}

func sshKey(t *testing.T, public any, identity age.Identity, err error) person {
	t.Helper()
	key, bad := ssh.NewPublicKey(public)
	if err = errors.Join(err, bad); err != nil {
		t.Fatal(err)
	}
	return person{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), identity}
}

func people(t *testing.T) map[string]person {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, badEdwards := agessh.NewEd25519Identity(private)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rivest, badRivest := agessh.NewRSAIdentity(large)
	return map[string]person{
		"age": native(t), "age, post-quantum": quantum(t),
		"ssh-ed25519": sshKey(t, public, edwards, badEdwards), "ssh-rsa": sshKey(t, large.Public(), rivest, badRivest),
	}
}

func open(sealed string, id age.Identity) (string, error) {
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), id)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestSealToEachKindOfRecipient(t *testing.T) {
	stranger := native(t)
	for name, p := range people(t) {
		for _, recipient := range []string{p.recipient, p.recipient + " somebody@example"} {
			if strings.HasPrefix(recipient, "age1") && strings.Contains(recipient, " ") {
				continue
			}
			sealed, err := Seal([]byte(plain), []string{recipient})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !strings.HasPrefix(sealed, "-----BEGIN AGE ENCRYPTED FILE-----\n") ||
				strings.Contains(sealed, "hunter2") {
				t.Errorf("%s: %s", name, sealed)
			}
			if got, err := open(sealed, p.identity); err != nil || got != plain {
				t.Errorf("%s: opened as %q, %v", name, got, err)
			}
			if _, err := open(sealed, stranger.identity); err == nil {
				t.Errorf("%s: a stranger opens it", name)
			}
		}
	}
}

func TestSealToSeveral(t *testing.T) {
	all := people(t)
	one, two := all["age"], all["ssh-ed25519"]
	sealed, err := Seal([]byte(plain), []string{one.recipient, two.recipient})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []person{one, two} {
		if got, err := open(sealed, p.identity); err != nil || got != plain {
			t.Errorf("%q, %v", got, err)
		}
	}
	mixed := []string{one.recipient, all["age, post-quantum"].recipient}
	if _, err := Seal([]byte(plain), mixed); !errors.Is(err, ErrMixed) || !errors.Is(CheckAll(mixed), ErrMixed) {
		t.Errorf("mixed: %v", err)
	}
	if _, err := Seal([]byte(plain), nil); !errors.Is(err, ErrRecipient) {
		t.Errorf("to nobody: %v", err)
	}
}

func TestWhatIsNoRecipient(t *testing.T) {
	good := native(t).recipient
	for _, s := range []string{
		"", "age1", good[:len(good)-1], strings.ToUpper(good), good + " ", " " + good, good + "\n", good + "," + good,
		"AGE-SECRET-KEY-1QQQQ",
		"ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ecdsa-sha2-nistp256 AAAA", `command="x" ssh-ed25519 AAAA`,
		"age1pq1qqqq",
		"github:somebody", "https://example.com/key", strings.Repeat("a", MaxRecipient+1),
		"age1" + strings.Repeat("q", MaxRecipient),
	} {
		if err := Check(s); !errors.Is(err, ErrRecipient) {
			t.Errorf("%.40q is taken: %v", s, err)
		}
	}
}

// What sealing to a stranger's key may cost is bounded when it is written, and when it is
// used: it may have been written before there were bounds.
func TestRSAIsBounded(t *testing.T) {
	for _, row := range []struct {
		bits uint
		e    int
		want error
	}{
		{1024, 65537, ErrRSA},
		{2047, 65537, ErrRSA},
		{2048, 3, nil},
		{2048, 65537, nil},
		{8192, 65537, nil},
		{8193, 65537, ErrRSA},
		{16384, 65537, ErrRSA},
		{2048, 65539, ErrRSA},
		{2048, 1<<24 - 1, ErrRSA},
		{2048, 1<<31 - 1, ErrRecipient}, // golang.org/x/crypto/ssh takes none above 24 bits
	} {
		odd := new(big.Int).SetBit(big.NewInt(1), int(row.bits)-1, 1) // nobody has the private part
		s := sshKey(t, &rsa.PublicKey{N: odd, E: row.e}, nil, nil).recipient
		_, used := Seal([]byte(plain), []string{s})
		if err := Check(s); !errors.Is(err, row.want) || !errors.Is(used, row.want) {
			t.Errorf("%d bits, exponent %d: %v, and when used %v; want %v", row.bits, row.e, err, used, row.want)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, bits := range []uint{0, 2048, 4096, 8192} {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			b.Fatal(err)
		}
		to := id.Recipient().String()
		if bits > 0 {
			key, err := ssh.NewPublicKey(
				&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1), E: maxExponent},
			)
			if err != nil {
				b.Fatal(err)
			}
			to = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		}
		b.Run(fmt.Sprintf("bits=%d", bits), func(b *testing.B) {
			for b.Loop() {
				if _, err := Seal([]byte(plain), []string{to}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm")
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a@b")
	f.Add("ssh-rsa AAAAB3NzaC1yc2E= x")
	f.Fuzz(func(t *testing.T, s string) {
		if Check(s) != nil {
			return
		}
		if _, err := Seal([]byte(plain), []string{s}); err != nil {
			t.Errorf("%q is a recipient, but: %v", s, err)
		}
	})
}
