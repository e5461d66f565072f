//go:build slowdisk

package slowdisk

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
	"vault-plugin-secrets-apikeys/signing"
)

type fields = map[string]any

// world is a server, and the tokens of people.
type world struct {
	*devserver.Server
	tokens map[string]string
}

// newWorld starts a server that caches nothing of what it has stored, which ends with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		t.Fatal(err)
	}
	server, err := devserver.Start(t.Context(), devserver.Options{Bin: bin, Durable: true, Uncached: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	w := &world{Server: server, tokens: map[string]string{"root": server.RootToken}}
	plugin := devserver.Plugin{
		File:    cmp.Or(os.Getenv("PLUGIN"), "../../build/vault-plugin-secrets-apikeys"),
		Version: os.Getenv("PLUGIN_VERSION"), Mount: "apikeys",
	}
	if err := errors.Join(
		w.Install(t.Context(), plugin),
		w.LoadPolicies(t.Context(), "../../scripts/policies.sh", policies.Mount, policies.Prefix),
		w.EnableLogins(t.Context()),
	); err != nil {
		t.Fatal(err)
	}
	w.enrol(t, tour.Provider())
	return w
}

func (w *world) enrol(t *testing.T, people []devserver.Person) {
	t.Helper()
	tokens, err := w.Admit(t.Context(), people)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(w.tokens, tokens)
}

// request is what somebody asks for.
type request struct {
	who, method, path string
	fields            fields
}

func (w *world) send(ctx context.Context, r request) (fields, error) {
	client := w.Client(w.tokens[r.who])
	client.SetMaxRetries(0)
	req := client.NewRequest(r.method, "/v1/"+r.path)
	if r.method == "PATCH" {
		req.Headers.Set("Content-Type", "application/merge-patch+json")
	}
	if r.fields != nil {
		if err := req.SetJSONBody(r.fields); err != nil {
			return nil, err
		}
	}
	//nolint:staticcheck // What is to replace it has a function for each method.
	answer, err := client.RawRequestWithContext(ctx, req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var told struct {
		Data    fields `json:"data"`
		LeaseID string `json:"lease_id"`
	}
	if answer.StatusCode == 204 {
		return fields{}, nil
	}
	if err := answer.DecodeJSON(&told); err != nil {
		return nil, err
	}
	if told.Data == nil {
		told.Data = fields{}
	}
	if told.LeaseID != "" {
		told.Data["lease_id"] = told.LeaseID
	}
	return told.Data, nil
}

func (w *world) must(t *testing.T, r request) fields {
	t.Helper()
	told, err := w.send(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// verdict has a fresh call of the subject judged.
func (w *world) verdict(ctx context.Context, s *subject) (string, error) {
	head, err := signing.ParseHead([]byte("GET /wfo/v1/agents HTTP/1.1\nHost: api.example\n"))
	if err != nil {
		return "", err
	}
	added, err := signing.SignHead(signing.RFC9421, head, s.keyID, s.secret, time.Now())
	if err != nil {
		return "", err
	}
	signed, err := head.With(added)
	if err != nil {
		return "", err
	}
	told, err := w.send(ctx, request{"gateway", "PATCH", "apikeys/verify", fields{"request": signed.String()}})
	return fmt.Sprint(told["verdict"]), err
}

// holder takes the secret that was handed out.
func (s *subject) holder(t *testing.T, told fields) {
	t.Helper()
	secret, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(told["key"]))
	if err != nil {
		t.Fatal("what was handed out is no secret")
	}
	s.secret, s.keyID = secret, fmt.Sprint(told["key_id"])
}

// slowDown makes each fsync of the server last, each few seconds another time, until the disk is sped up again or the
// test ends. It shows first that it does.
func (w *world) slowDown(t *testing.T) (speedUp func()) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is missing, which slows the disk: apt-get install strace")
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for fsync := longest; ctx.Err() == nil; fsync = shortest + rand.N(longest-shortest) {
			if err := w.delay(ctx, strace, fsync); err != nil {
				t.Errorf("the disk is not slow any more: %v", err)
				return
			}
		}
	}()
	speedUp = func() {
		stop()
		<-ended
	}
	t.Cleanup(speedUp)
	for range 50 {
		begun := time.Now()
		w.must(
			t,
			request{"root", "PUT", "sys/policies/acl/slow", fields{"policy": `path "x" { capabilities = ["deny"] }`}},
		)
		if time.Since(begun) > shortest {
			return speedUp
		}
	}
	t.Fatal("strace does not slow the disk down")
	return nil
}

// delay makes each fsync last that long for a few seconds. It fails when strace ends by itself.
func (w *world) delay(ctx context.Context, strace string, fsync time.Duration) error {
	inject := fmt.Sprintf("inject=fdatasync,fsync:delay_enter=%d", fsync.Microseconds())
	cmd := exec.Command(
		strace,
		"-f",
		"-q",
		"-p",
		strconv.Itoa(w.PID()),
		"-o",
		os.DevNull,
		"-e",
		"trace=fdatasync,fsync",
		"-e",
		inject,
	) // #nosec G204 -- our own words
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = cmd.Wait()
	}()
	select {
	case <-ended:
		return fmt.Errorf("strace has ended: %w", cmp.Or(failed, errors.New("without an error")))
	case <-time.After(5*time.Second + rand.N(5*time.Second)):
	case <-ctx.Done():
	}
	_ = cmd.Process.Signal(syscall.SIGINT) // it lets the server go
	<-ended
	return nil
}
