//go:build acceptance

package acceptance

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// newIdentity makes a holder's own key, age or ssh, as its file has it, and the recipient that goes with it.
func newIdentity(kind string) (file, recipient string, err error) {
	switch kind {
	case "age":
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return "", "", err
		}
		return id.String(), id.Recipient().String(), nil
	case "ssh":
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return "", "", err
		}
		block, err := ssh.MarshalPrivateKey(private, "")
		if err != nil {
			return "", "", err
		}
		shared, err := ssh.NewPublicKey(public)
		if err != nil {
			return "", "", err
		}
		return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(shared))), nil
	default:
		return "", "", errors.New("an identity is age or ssh")
	}
}

// unseal opens what was sealed, with a holder's own key, and remembers the secret in it.
func (w *world) unseal(file, sealed string) (string, error) {
	var id age.Identity
	var err error
	if strings.HasPrefix(file, "AGE-SECRET-KEY-") {
		id, err = age.ParseX25519Identity(file)
	} else {
		id, err = agessh.ParseIdentity([]byte(file))
	}
	if err != nil {
		return "", err
	}
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), id)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(opened)
	if err != nil {
		return "", err
	}
	return string(text), w.guard(string(text))
}

// identity makes an identity in a file, and sets a variable to its recipient.
func identity(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: identity age|ssh NAME FILE")
	}
	file, recipient, err := newIdentity(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(file), 0o600))
	ts.Setenv(args[1], recipient)
}

// unsealed opens what the answer in a file holds sealed, and writes it to another. The answer must not hold it in
// clear.
func (w *world) unsealed(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 || args[2] != ">" {
		ts.Fatalf("usage: [!] unseal IDENTITY ANSWER > FILE")
	}
	answered := ts.ReadFile(args[1])
	text, err := w.unseal(ts.ReadFile(args[0]), fieldsOf(answered)["sealed"])
	switch {
	case neg && err == nil:
		ts.Fatalf("was opened")
	case neg:
		return
	case err == nil && w.known([]byte(answered)):
		ts.Fatalf("the answer holds the secret in clear too")
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(text), 0o600))
}

// mailbox is a holder's own key and the recipient that goes with it, for tables.
type mailbox struct {
	w               *world
	file, recipient string
}

func (w *world) mailbox(t *testing.T) mailbox {
	t.Helper()
	file, recipient, err := newIdentity("age")
	if err != nil {
		t.Fatal(err)
	}
	return mailbox{w, file, recipient}
}

// opens returns the holder of what an answer holds sealed; in clear, the answer must not hold it.
func (m mailbox) opens(t *testing.T, a *answered) holder {
	t.Helper()
	text, err := m.w.unseal(m.file, a.field("sealed"))
	if err != nil {
		t.Fatalf("%d %s: %v", a.status, a.says(), err)
	}
	if m.w.known(a.body) {
		t.Error("a sealed answer holds its secret in clear too")
	}
	return (&answered{body: []byte(text)}).holder(t)
}
