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

// gate is what a middleware knows. It does not change once it is made.
type gate struct {
	judge             judge.Judge
	findIP            func(*http.Request) netip.Addr
	maxBody           int64
	signedBody        bool
	signedHeadersOnly bool
	pass              []string // in lower case
	authorize         func(*http.Request, Principal) error
	sunsetWithin      time.Duration
	retryAfter        time.Duration
	challenge         string
	log               *slog.Logger
}

const vrnt1Challenge = "Vrnt-1-HMAC-SHA256"

// New returns a function that wraps a handler so that good calls alone reach it. It panics without a judge. What it
// returns is safe for concurrent use.
func New(j judge.Judge, opts ...Option) func(http.Handler) http.Handler {
	if j == nil {
		panic("middleware: no judge")
	}
	g := &gate{
		judge: j, findIP: remoteIP, maxBody: 8 << 20, sunsetWithin: 14 * 24 * time.Hour, retryAfter: 5 * time.Second,
		challenge: vrnt1Challenge, log: slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		opt(g)
	}
	return g.wrap
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admitted, problem := g.admit(w, r)
		if problem != nil {
			g.answer(w, problem)
			return
		}
		next.ServeHTTP(w, admitted)
	})
}

// admit returns the request that the handler is to see, or why there is none.
func (g *gate) admit(w http.ResponseWriter, r *http.Request) (*http.Request, *Problem) {
	text, err := headText(r)
	if err != nil {
		return nil, unauthenticated()
	}
	call, err := parsed(text)
	if err != nil {
		return nil, unauthenticated() // as for a wrong signature: strangers are not told which of them it is
	}
	verdict, err := g.judge.Verify(r.Context(), judge.Call{Request: text, ClientIP: g.findIP(r)})
	if err != nil {
		if r.Context().Err() == nil { // Otherwise its caller is gone, and nothing is amiss.
			g.log.WarnContext(r.Context(), "call not judged", "key_id", call.KeyID, "error", err)
		}
		return nil, unavailable()
	}
	g.sunset(w, verdict)
	if problem := refused(verdict); problem != nil {
		return nil, problem
	}
	body, problem := g.body(w, r, verdict)
	if problem != nil {
		return nil, problem
	}
	who := principalOf(verdict)
	admitted := r.WithContext(withPrincipal(r.Context(), who))
	admitted.Header = g.headers(r.Header, call.Covered())
	g.trailers(r, admitted)
	if body != nil {
		body.attach(admitted)
	}
	if g.authorize == nil {
		return admitted, nil
	}
	if err := g.authorize(admitted, who); err != nil {
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
	return signing.ParseLenientCall(head)
}

func remoteIP(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // A socket of another kind has none.
	}
	return at.Addr().Unmap().WithZone("")
}

// sunset tells the holder of a version that expires soon, or has a successor, when it expires.
func (g *gate) sunset(w http.ResponseWriter, v judge.Verdict) {
	now := v.ServerTime
	if now.IsZero() {
		now = time.Now()
	}
	left := v.ExpiresAt.Sub(now)
	if !v.Code.Signed() || v.ExpiresAt.IsZero() || left <= 0 || v.SuccessorKeyID == "" && left > g.sunsetWithin {
		return
	}
	w.Header().Set("Sunset", v.ExpiresAt.UTC().Format(http.TimeFormat))
}

// headers returns those that the handler may see.
func (g *gate) headers(received http.Header, covered []string) http.Header {
	seen := make(http.Header, len(received))
	for name, values := range received {
		folded := lower(name)
		switch {
		case folded == "host":
			continue // It is in Request.Host. HTTP/2 allows another beside it, which nobody has judged.
		case slices.Contains(covered, folded):
		case isVerint(folded):
			continue
		case g.signedHeadersOnly && folded != "content-length" && !slices.Contains(g.pass, folded):
			continue
		}
		seen[name] = values
	}
	return seen
}
