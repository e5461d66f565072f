package signing

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const judgeKeyID = "tEsTkId1"

var judgeKey = []byte("0123456789abcdef0123456789abcdef")

// judge is a server that verifies each call it gets, with its body, and accepts none twice.
type judge struct {
	*httptest.Server
	mu     sync.Mutex
	nonces map[string]bool
	calls  []string // METHOD target body, or what is wrong
}

// newJudge starts a server; route answers what it has accepted.
func newJudge(t *testing.T, h2 bool, route http.HandlerFunc) *judge {
	t.Helper()
	j := &judge{nonces: map[string]bool{}}
	j.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = j.accept(r, body)
		}
		j.mu.Lock()
		if err != nil {
			j.calls = append(j.calls, err.Error())
		} else {
			j.calls = append(j.calls, fmt.Sprintf("%s %s %d", r.Method, r.RequestURI, len(body)))
		}
		j.mu.Unlock()
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusUnauthorized)
		case route != nil:
			route(w, r)
		default:
			_, _ = io.WriteString(w, strconv.Itoa(r.ProtoMajor))
		}
	}))
	if h2 {
		j.EnableHTTP2 = true
		j.StartTLS()
	} else {
		j.Start()
	}
	t.Cleanup(j.Close)
	return j
}

func (j *judge) accept(r *http.Request, body []byte) error {
	call, err := receivedCall(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case call.KeyID != judgeKeyID:
		return fmt.Errorf("unknown key")
	case !call.SignedBy(judgeKey):
		return fmt.Errorf("bad signature")
	case j.nonces[call.Nonce]:
		return fmt.Errorf("replayed")
	}
	j.nonces[call.Nonce] = true
	if value := r.Header.Get("Content-Digest"); value != "" || len(body) > 0 {
		digest, err := ParseContentDigest(value)
		if err != nil || !digest.Matches(body) {
			return fmt.Errorf("another body")
		}
		if call.Scheme == RFC9421 && len(body) > 0 && call.ContentDigest != value {
			return fmt.Errorf("digest not covered")
		}
	}
	return nil
}

// receivedCall is what a net/http server can tell of a call: the order of headers is lost.
func receivedCall(r *http.Request) (*Call, error) {
	lines := []string{}
	for name, values := range r.Header {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	for _, coding := range r.TransferEncoding {
		lines = append(lines, "Transfer-Encoding: "+coding)
	}
	head, err := ParseHeadString(
		r.Method + " " + r.RequestURI + " HTTP/1.1\nHost: " + r.Host + "\n" + strings.Join(lines, "\n") + "\n",
	)
	if err != nil {
		return nil, err
	}
	return ParseCall(head)
}

// transport returns one that signs for the judge alone.
func (j *judge) transport(t *testing.T, s Scheme) *Transport {
	t.Helper()
	key, err := NewKey(s, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	base := &http.Transport{ForceAttemptHTTP2: true}
	if j.TLS != nil {
		base.TLSClientConfig = &tls.Config{RootCAs: j.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	}
	t.Cleanup(base.CloseIdleConnections)
	return &Transport{Signer: key, Hosts: []string{j.Listener.Addr().String()}, Base: base}
}

// seen returns what has come since the last time.
func (j *judge) seen() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	calls := j.calls
	j.calls = nil
	return calls
}
