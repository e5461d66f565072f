package middleware

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

// Middleware lets signed calls through to a handler, and answers all others with problem details (RFC 9457). A handler
// behind it finds who called with [PrincipalFrom].
//
// What is judged is the call as received: method, target, Host, and of the headers those that a signature can be in, or
// that it covers, sorted by name, since net/http does not keep their order. Others, cookies and
// bearer tokens among them, are not shown to the judge.
//
// What reaches the handler was signed in so far as the scheme signs it. With rfc9421 that is method, host, path, query and
// body. With vrnt-1 it is method, path and the Verint- headers: not the query, the host or the body. Other
// headers are signed by neither unless an rfc9421 call covers them. A Verint- header that is not covered is always removed, and so
// are Verint- trailers.
//
// A body whose digest is signed is read whole, and checked, before the handler runs; how slowly it may come is for
// [http.Server.ReadTimeout] to bound. Answers are not touched: streaming, hijacking and [http.ResponseController] work as
// without it.
//
// A Middleware must not be changed once it is used. It is safe for concurrent use.
type Middleware struct {
	// Judge decides about calls: a [Verifier], or what else knows the keys. It must be set.
	Judge judge.Judge

	// ClientIP returns where a call came from, for keys that are good from some addresses alone; the zero address is not
	// known. Nil means RemoteAddr. Behind a proxy it has to read what that proxy, and nobody else, writes.
	ClientIP func(*http.Request) netip.Addr

	// MaxBody bounds a body whose digest is signed, in bytes, since it is held in memory; 0 means 8 MiB. A longer one is
	// answered with 413.
	MaxBody int64

	// RequireSignedBody refuses calls with a body that is not signed, as with vrnt-1.
	RequireSignedBody bool

	// SignedHeadersOnly keeps all headers from the handler that are not signed, but for Content-Length and those named in
	// PassHeaders, and the trailers. Most clients do not sign Content-Type.
	SignedHeadersOnly bool
	PassHeaders       []string

	// Require, unless nil, has the last word on a call that is good, whose body has been checked. What it returns is answered
	// if it is a [*Problem]; any other error is answered with 403, and not told.
	Require func(*http.Request, Principal) error

	// SunsetWithin is how long before a key's version ends its holder is told so, in a Sunset header (RFC 8594); 0 means 14
	// days. Holders of a version that has a successor always are.
	SunsetWithin time.Duration

	// RetryAfter is what a 503 says, in whole seconds; 0 means 5 s.
	RetryAfter time.Duration

	// Challenge is the WWW-Authenticate of a 401; "" means that of vrnt-1. RFC 9421 defines none.
	Challenge string

	// Log, unless nil, is told why calls were not judged.
	Log *slog.Logger
}

const (
	defaultSunset    = 14 * 24 * time.Hour
	defaultRetry     = 5 * time.Second
	defaultMaxBody   = 8 << 20
	defaultChallenge = "Vrnt-1-HMAC-SHA256"
)

// Wrap returns a handler that lets good calls through to next. It panics without a judge.
func (m Middleware) Wrap(next http.Handler) http.Handler {
	if m.Judge == nil {
		panic("middleware: no judge")
	}
	if m.MaxBody <= 0 {
		m.MaxBody = defaultMaxBody
	}
	if m.SunsetWithin <= 0 {
		m.SunsetWithin = defaultSunset
	}
	if m.RetryAfter <= 0 {
		m.RetryAfter = defaultRetry
	}
	if m.Challenge == "" {
		m.Challenge = defaultChallenge
	}
	if m.Log == nil {
		m.Log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admitted, problem := m.admit(w, r)
		if problem != nil {
			m.answer(w, problem)
			return
		}
		next.ServeHTTP(w, admitted)
	})
}

// admit returns the request that the handler is to see, or why there is none.
func (m *Middleware) admit(w http.ResponseWriter, r *http.Request) (*http.Request, *Problem) {
	text, err := headText(r)
	if err != nil {
		return nil, unauthenticated()
	}
	call, err := parsed(text)
	if err != nil {
		return nil, unauthenticated() // as for a wrong signature: which of them it is, strangers are not told
	}
	verdict, err := m.Judge.Verify(r.Context(), judge.Call{Request: text, ClientIP: m.clientIP(r)})
	if err != nil {
		if r.Context().Err() == nil { // Otherwise its caller is gone, and nothing is amiss.
			m.Log.WarnContext(r.Context(), "call not judged", "key_id", call.KeyID, "error", err)
		}
		return nil, unavailable()
	}
	m.sunset(w, verdict)
	if problem := refused(verdict); problem != nil {
		return nil, problem
	}
	body, problem := m.body(w, r, verdict)
	if problem != nil {
		return nil, problem
	}
	who := principalOf(verdict)
	admitted := r.WithContext(withPrincipal(r.Context(), who))
	admitted.Header = m.headers(r.Header, call.Covered())
	m.trailers(r, admitted)
	if body != nil {
		body.attach(admitted)
	}
	if m.Require == nil {
		return admitted, nil
	}
	if err := m.Require(admitted, who); err != nil {
		if problem, ok := errors.AsType[*Problem](err); ok {
			return nil, problem
		}
		return nil, forbidden()
	}
	return admitted, nil
}

func parsed(text string) (*signing.Call, error) {
	head, err := signing.ParseHeadString(text)
	if err != nil {
		return nil, err
	}
	return signing.ParseLooseCall(head)
}

func (m *Middleware) clientIP(r *http.Request) netip.Addr {
	if m.ClientIP != nil {
		return m.ClientIP(r)
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // A socket of another kind has none.
	}
	return at.Addr().Unmap().WithZone("")
}

// sunset tells the holder of a version that ends soon, or has a successor, when it ends.
func (m *Middleware) sunset(w http.ResponseWriter, v judge.Verdict) {
	now := v.ServerTime
	if now.IsZero() {
		now = time.Now()
	}
	left := v.ExpiresAt.Sub(now)
	if !v.Code.Signed() || v.ExpiresAt.IsZero() || left <= 0 || v.SuccessorKeyID == "" && left > m.SunsetWithin {
		return
	}
	w.Header().Set("Sunset", v.ExpiresAt.UTC().Format(http.TimeFormat))
}

// headers returns those that the handler may see.
func (m *Middleware) headers(received http.Header, covered []string) http.Header {
	seen := make(http.Header, len(received))
	for name, values := range received {
		folded := lower(name)
		switch {
		case folded == "host":
			continue // it is in Request.Host; HTTP/2 lets another stand beside that, and nobody has judged it
		case slices.Contains(covered, folded):
		case isVerint(folded):
			continue
		case m.SignedHeadersOnly && folded != "content-length" &&
			!slices.ContainsFunc(m.PassHeaders, func(pass string) bool { return lower(pass) == folded }):
			continue
		}
		seen[name] = values
	}
	return seen
}
