package clienttest_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	corpusCalls = 8000
	enough      = 40 // calls of each verdict
)

// judges are all who judge calls, of one engine.
type judges struct {
	t        *testing.T
	engine   *clienttest.Engine
	verifier *verify.Verifier
	keyring  *verify.Keyring
	found    map[verify.Code]int
	variants map[string]int
}

func newJudges(t *testing.T, opts ...verify.KeyringOption) *judges {
	t.Helper()
	j := &judges{t: t, engine: clienttest.New(t), found: map[verify.Code]int{}, variants: map[string]int{}}
	var err error
	if j.verifier, err = verify.NewVerifier(j.engine.Client(""), "apikeys/verify"); err != nil {
		t.Fatal(err)
	}
	if j.keyring, err = verify.NewKeyring(j.engine.Client(""), "apikeys", opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = j.verifier.Close()
		_ = j.keyring.Close()
	})
	return j
}

// agree judges a call with the engine's own answer, with a Verifier and with a Keyring.
func (j *judges) agree(c verify.Call) {
	j.t.Helper()
	var answer fields
	if c.Request != "" || c.Signature != "" { // else the engine takes it for no question
		answer = j.engine.Write("", "verify", question(c))
	}
	theirs, err := j.verifier.Verify(j.t.Context(), c)
	if err != nil {
		j.t.Fatal(err)
	}
	ours, err := j.keyring.Verify(j.t.Context(), c)
	if err != nil {
		j.t.Fatal(err)
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		j.t.Fatalf("engine and keyring differ about\n%s%s%s\n%s", c.Request, c.Message, c.Signature, diff)
	}
	for name, told := range map[string]any{
		"verdict": string(ours.Code), "valid": ours.Valid, "key_id": ours.KeyID, "state": ours.State,
		"variant": ours.Variant,
	} {
		if answer != nil && answer[name] != nil && answer[name] != told {
			j.t.Fatalf("%s: the engine says %v, the others %v", name, answer[name], told)
		}
	}
	j.found[ours.Code]++
	for variant := range strings.SplitSeq(ours.Variant, ",") {
		j.variants[variant]++
	}
}

// question is a call that is looked at without being recorded.
func question(c verify.Call) fields {
	asked := fields{"replay_check": false}
	if c.Request != "" {
		asked["request_base64"] = base64.StdEncoding.EncodeToString([]byte(c.Request))
	} else {
		asked["message_base64"], asked["signature"] = base64.StdEncoding.EncodeToString([]byte(c.Message)), c.Signature
	}
	if c.ClientIP.IsValid() {
		asked["client_ip"] = c.ClientIP.WithZone("").String()
	}
	return asked
}

// Whoever judges a call, the engine itself, a Verifier or a Keyring, finds the same and tells the same.
func TestCorpus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJudges(t, verify.WithKeys(40))
		a := &author{Rand: rand.New(rand.NewPCG(9421, 1)), subjects: populate(t, j.engine)}
		for n := range corpusCalls {
			if n == corpusCalls/2 {
				a.subjects = append(a.subjects, changes(j.engine, a.subjects)...)
			}
			j.agree(a.call())
			if a.chance(20) {
				time.Sleep(time.Second)
			}
		}
		for _, v := range apikey.Verdicts {
			t.Logf("%-16s %5d", v, j.found[verify.Code(v)])
			if j.found[verify.Code(v)] < enough {
				t.Errorf("only %d calls are %s", j.found[verify.Code(v)], v)
			}
		}
		for _, v := range []signing.Variant{
			signing.HeadersSorted, signing.HeaderValueCase, signing.PathDecoded, signing.PathQuery,
			signing.SigStdBase64,
			signing.ParamWhitespace, signing.ParamOrder, signing.KeyASCII, signing.NoNonce,
		} {
			t.Logf("%-16s %5d", v, j.variants[string(v)])
			if j.variants[string(v)] < enough/4 {
				t.Errorf("only %d calls are of variant %s", j.variants[string(v)], v)
			}
		}
	})
}

// changes alters keys, and waits until a keyring has to know.
func changes(e *clienttest.Engine, subjects []subject) (more []subject) {
	e.Resume("closed")
	for _, s := range subjects {
		switch {
		case s.path == "internal/keys/plain-"+string(s.scheme()) && s.tenant == "acme":
			more = append(more, subject{e.Rotate(s.tenant, s.path), s.tenant, s.path})
		case s.path == "internal/keys/off-"+string(s.scheme()):
			e.Enable(s.tenant, s.path)
		case s.path == "internal/keys/noreplay-"+string(s.scheme()):
			e.Write(s.tenant, "my/"+s.path, fields{"replay": "on", "metadata": nil})
		case s.path == "external/keys/open-"+string(s.scheme()):
			e.Revoke(s.tenant, s.path)
		}
	}
	e.Suspend("beta")
	time.Sleep(61 * time.Second)
	return more
}

// A table that is full refuses the same calls in both.
func TestCorpusFullTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJudges(t, verify.WithReplayEntries(1000))
		j.engine.Tenant("acme")
		j.engine.AllowLocal("acme")
		j.engine.Write("", "config", fields{"replay_entries": 1000})
		key := j.engine.Key("acme", "external/keys/billing", fields{"scheme": "vrnt-1"})
		a := &author{Rand: rand.New(rand.NewPCG(1, 2)), subjects: []subject{{key, "acme", "external/keys/billing"}}}
		for range 3000 {
			head := fmt.Sprintf("GET /%d HTTP/1.1\n", a.made)
			a.made++
			parsed := verify.Call{Request: a.plain(t, head, key)}
			j.agree(parsed)
		}
		if j.found[verify.Replayed] < 1000 || j.found[verify.Valid] < 500 {
			t.Errorf("%v", j.found)
		}
	})
}
