package signing

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Transport is an [http.RoundTripper] that signs each request before sending it. It never changes the requests
// given to it. Each round trip is signed anew, so retries and redirects make new calls.
//
// It sends the whole body with its Content-Digest (RFC 9530), so that a scheme can cover it. A Content-Digest that the
// request has already must match. The signer sees a head with the parts that schemes cover or look for, and nothing
// else: the request line, Host, Content-Length or Transfer-Encoding, Content-Digest, Verint- headers, and
// Authorization, Signature and Signature-Input, which it should refuse.
//
// A request that cannot be signed as it would be sent is an error, and nothing is sent: a host not in Hosts, plain
// HTTP, CONNECT, targets not in origin form, hosts that are not ASCII, trailers, header names that differ only in
// case, and a repeated header that must be unique.
//
// Over HTTP/1.1, Verint- headers are sent sorted by name. Over HTTP/2, net/http sends headers in any order, so the
// verifier has to sort them.
//
// A Transport must not be changed after first use. It is safe for concurrent use if its signer is.
type Transport struct {
	Signer Signer

	// Hosts are the authorities, host or host:port, for which calls are signed. Without a port, the scheme's
	// default port is meant. There are no wildcards. A redirect to another host is an error.
	Hosts []string

	// Base sends the requests; nil means [http.DefaultTransport].
	Base http.RoundTripper

	// MaxBody bounds the bytes of a body, which is held in memory; 0 means 8 MiB.
	MaxBody int64

	// PlainHTTP allows http URLs. URLs of loopback addresses may always be http. Elsewhere, somebody could read
	// a signed call and send it to the server first.
	PlainHTTP bool

	// Refused, if not nil, is called with the ID of the key whose call was answered with 401.
	Refused func(keyID string)
}

const defaultMaxBody = 8 << 20

var (
	// ErrHost is returned for a request to a host that is not in Hosts.
	ErrHost = errors.New("calls are not signed for this host")
	// ErrBodySize is returned for a body over MaxBody.
	ErrBodySize = errors.New("body too long to be signed")
	// ErrUnsignable is returned for a request that cannot be signed as it would be sent.
	ErrUnsignable = errors.New("request cannot be signed")
)

// RoundTrip signs a copy of the request and sends it. The response refers to the request given, which has no
// signature.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, again, err := t.try(r, nil)
	if err == nil && again != nil {
		_ = resp.Body.Close()
		resp, _, err = t.try(r, again)
	}
	return resp, err
}

// try sends the request once, with body if it was read before. It returns the body if the same call was sent
// twice and refused. net/http resends requests without effects when a kept connection breaks; a server that had
// judged the first one takes the second for a replay.
func (t *Transport) try(r *http.Request, body []byte) (resp *http.Response, again []byte, err error) {
	if body == nil {
		if err := t.check(r); err != nil {
			closeBody(r)
			return nil, nil, fmt.Errorf("signing: %w", err)
		}
		if body, err = readBody(r, t.maxBody()); err != nil {
			return nil, nil, fmt.Errorf("signing: %w", err)
		}
	}
	var written atomic.Int32
	sent := r.Clone(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() { written.Add(1) },
	}))
	if err := setBody(sent, body); err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	keyID, err := t.sign(sent)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	resp, err = t.base().RoundTrip(sent)
	if err != nil {
		return nil, nil, err
	}
	resp.Request = r
	if resp.StatusCode == http.StatusUnauthorized {
		if written.Load() > 1 {
			return resp, body, nil
		}
		if t.Refused != nil && keyID != "" {
			t.Refused(keyID)
		}
	}
	return resp, nil, nil
}

// sign adds the signer's headers to r. It returns the key's ID if a known scheme tells it.
func (t *Transport) sign(r *http.Request) (keyID string, err error) {
	head, err := headOf(r)
	if err != nil {
		return "", err
	}
	added, err := t.Signer.Sign(r.Context(), head)
	if err != nil {
		return "", err
	}
	signed, err := head.With(added)
	if err != nil {
		return "", err
	}
	for _, a := range added {
		r.Header.Set(a.Name, a.Value)
	}
	if call, err := ParseCall(signed); err == nil {
		keyID = call.KeyID
	}
	return keyID, nil
}

// CloseIdleConnections closes the base's idle connections, for [http.Client.CloseIdleConnections].
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) maxBody() int64 {
	if t.MaxBody <= 0 {
		return defaultMaxBody
	}
	return min(t.MaxBody, math.MaxInt64-1) // one byte more is read, to detect a longer body
}
