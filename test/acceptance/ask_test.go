//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
	"vault-plugin-secrets-apikeys/signing"
)

// fields are those of a request, as JSON has them.
type fields map[string]any

// caller is somebody who sends plain HTTP requests, with nothing between: no client that tries again.
type caller struct {
	t     *testing.T
	w     *world
	name  string
	token string
}

// caller returns somebody known, as [world.token] has them.
func (w *world) caller(t *testing.T, name string) *caller {
	t.Helper()
	return &caller{t, w, name, w.client(t, name).Token()}
}

// answered is what the server has answered to one request.
type answered struct {
	status   int
	media    string // the type of body, which is decoded when it is JSON
	body     []byte
	LeaseID  string `json:"lease_id"`
	Duration int    `json:"lease_duration"`
	Data     fields `json:"data"`
	Auth     struct {
		Token string `json:"client_token"`
	} `json:"auth"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

// field returns a field of the answer as text, a nested one by a name such as versions.0.key_id.
func (a *answered) field(name string) string { return tour.Answer(string(a.body))[name] }

// says returns the errors or warnings as one text.
func (a *answered) says() string { return strings.Join(append(a.Errors, a.Warnings...), "\n") }

// send sends one request; path begins with the mount, and a PATCH is a merge patch. No answer may hold a secret that is
// known, but for the paths that hand one out.
func (c *caller) send(method, path string, sent fields) (*answered, error) {
	c.t.Helper()
	var body io.Reader
	pasted := false // a secret was sent, which is then repeated as what it was given for
	if sent != nil {
		text, err := json.Marshal(sent)
		if err != nil {
			c.t.Fatal(err)
		}
		pasted = c.w.known(text)
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.w.Addr+"/v1/"+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", c.token)
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answered{status: resp.StatusCode}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	a.media = resp.Header.Get("Content-Type")
	if a.media == "application/json" && len(a.body) > 0 {
		if err := json.Unmarshal(a.body, a); err != nil {
			c.t.Fatalf("%s %s %s: %v", c.name, method, path, err)
		}
	}
	if err := c.w.guard(string(a.body)); err != nil {
		return a, err
	}
	if strings.HasPrefix(path, "apikeys/") && !handsOut(path) && (!pasted || a.status >= http.StatusBadRequest) &&
		c.w.known(a.body) {
		c.t.Errorf("%s %s %s: %d holds a secret", c.name, method, path, a.status)
	}
	return a, nil
}

// ask sends one request and returns what was answered, whatever that is.
func (c *caller) ask(method, path string, sent fields) *answered {
	c.t.Helper()
	a, err := c.send(method, path, sent)
	if err != nil {
		c.t.Fatalf("%s %s %s: %v", c.name, method, path, err)
	}
	return a
}

// must is ask for a request that has to succeed.
func (c *caller) must(method, path string, sent fields) *answered {
	c.t.Helper()
	a := c.ask(method, path, sent)
	if a.status >= http.StatusMultipleChoices {
		c.t.Fatalf("%s %s %s: %d %s", c.name, method, path, a.status, a.says())
	}
	return a
}

// refused is ask for a request that has to be refused with the status and a text that holds why.
func (c *caller) refused(status int, why, method, path string, sent fields) {
	c.t.Helper()
	if a := c.ask(method, path, sent); a.status != status || !strings.Contains(a.says(), why) {
		c.t.Errorf("%s %s %s: %d %q, want %d %q", c.name, method, path, a.status, a.says(), status, why)
	}
}

// get returns an error unless a path answers the field with the value, for [until].
func (c *caller) get(path, field, value string) error {
	a, err := c.send("GET", path, nil)
	if err == nil && a.field(field) != value {
		err = fmt.Errorf("%d: %s is %q", a.status, field, a.field(field))
	}
	return err
}

// holder is who was handed a key.
type holder struct {
	t      *testing.T
	keyID  string
	key    []byte
	scheme signing.Scheme
}

// holder returns the holder of the key in an answer.
func (a *answered) holder(t *testing.T) holder {
	t.Helper()
	key, err := base64.RawURLEncoding.DecodeString(a.field("key"))
	if err != nil || len(key) == 0 {
		t.Fatalf("no key is handed out: %d %s", a.status, a.says())
	}
	return holder{t, a.field("key_id"), key, signing.Scheme(a.field("scheme"))}
}

// call returns a call that the holder signs now: a head, in the key's scheme.
func (h holder) call(method, target string, headers ...string) string {
	h.t.Helper()
	text := strings.Join(
		append([]string{method + " " + target + " HTTP/1.1", "Host: api.example"}, headers...),
		"\n",
	) + "\n"
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	added, err := signing.SignHead(h.scheme, head, h.keyID, h.key, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, header := range added {
		text += header.Name + ": " + header.Value + "\n"
	}
	return text
}

// signs returns a head with what Vault has signed it with.
func (a *answered) signs(head string) string {
	headers, _ := a.Data["headers"].(map[string]any)
	for name, value := range headers {
		head += fmt.Sprintf("\n%s: %v", name, value)
	}
	return head
}

// verdict asks for the verdict on a call.
func (c *caller) verdict(head string) string {
	c.t.Helper()
	return c.must("PATCH", "apikeys/verify", fields{"request": head}).field("verdict")
}
