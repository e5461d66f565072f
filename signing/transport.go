package signing

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Transport is an [http.RoundTripper] that signs each request as it goes out.
// Requests given to it are never changed, and each round trip is signed anew,
// so a client that tries again, or is redirected, makes a new call.
//
// It sends the whole body with its Content-Digest (RFC 9530), so that a scheme
// can cover it; a Content-Digest that the request has already must match. Its
// signer sees a head with what schemes cover or look for, and nothing else:
// the request line, Host, Content-Length or Transfer-Encoding, Content-Digest,
// Verint-, and Authorization, Signature and Signature-Input, which it should
// refuse.
//
// Whatever it cannot sign as it would be sent is an error, and nothing is sent:
// another host than those named, plain HTTP, CONNECT, targets that are not in
// origin form, hosts that are not ASCII, trailers, names of headers that differ
// in case alone, and a repeated header that a call holds once.
//
// Verint- headers go out sorted by name over HTTP/1.1. Over HTTP/2 net/http
// sends headers in any order, and the verifier has to sort them.
//
// A Transport must not be changed once it is used. It is safe for concurrent
// use if its signer is.
type Transport struct {
	Signer Signer

	// Hosts are the authorities, host or host:port, that calls are signed for;
	// without a port the scheme's own is meant. There is no wildcard. A
	// redirect to another host is an error.
	Hosts []string

	// Base sends the requests; nil means [http.DefaultTransport].
	Base http.RoundTripper

	// MaxBody bounds the bytes of a body, which are held in memory; 0 means
	// 8 MiB.
	MaxBody int64

	// PlainHTTP allows http URLs. To loopback they always are: elsewhere a
	// signed call could be read, and reach the server before the caller does.
	PlainHTTP bool

	// Refused, unless nil, is told the ID of the key whose call was answered
	// with 401.
	Refused func(keyID string)
}

const defaultMaxBody = 8 << 20

var (
	// ErrHost is returned for a request to a host that is not named.
	ErrHost = errors.New("calls are not signed for this host")
	// ErrBodySize is returned for a body of more bytes than are allowed.
	ErrBodySize = errors.New("body too long to be signed")
	// ErrUnsignable is returned for a request that cannot be signed as it
	// would be sent.
	ErrUnsignable = errors.New("request cannot be signed")
)

// RoundTrip signs a copy of the request and sends it. The response names the
// request given, which shows no signature.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, again, err := t.try(r, nil)
	if err == nil && again != nil {
		_ = resp.Body.Close()
		resp, _, err = t.try(r, again)
	}
	return resp, err
}

// try sends the request once, with the body that was read before if any. The
// body comes back when the same call was sent twice and refused: net/http sends
// requests without effects again when a kept connection breaks, and to a
// server that did judge the first the second is a replay.
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

// sign adds to r the headers that its signer wants, and returns the key's ID
// where a scheme of ours tells.
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

// CloseIdleConnections lets the base close what it keeps, for
// [http.Client.CloseIdleConnections].
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
	return min(t.MaxBody, math.MaxInt64-1) // one more is read, to see that it is too many
}
