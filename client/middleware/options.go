package middleware

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Option changes what [New] returns. Nil, "", and numbers and durations of 0 or less leave the default.
type Option func(*gate)

// WithClientIP sets how to find where a call came from, for keys that are good from some addresses alone; the zero
// address is not known. The default is RemoteAddr. Behind a proxy, read what that proxy writes, and nobody else can.
func WithClientIP(find func(*http.Request) netip.Addr) Option {
	return func(g *gate) {
		if find != nil {
			g.findIP = find
		}
	}
}

// WithMaxBody bounds a body whose digest is signed, in bytes, because it is held in memory; 8 MiB by default. A longer
// one is answered with 413.
func WithMaxBody(bytes int64) Option {
	return func(g *gate) { g.maxBody = cmp.Or(max(bytes, 0), g.maxBody) }
}

// WithSignedBody refuses calls with a body that is not signed, as with vrnt-1.
func WithSignedBody() Option {
	return func(g *gate) { g.signedBody = true }
}

// WithSignedHeadersOnly removes the trailers and all headers that are not signed, except Content-Length and those in
// pass. Most clients do not sign Content-Type.
func WithSignedHeadersOnly(pass ...string) Option {
	return func(g *gate) {
		g.signedHeadersOnly = true
		for _, name := range pass {
			g.pass = append(g.pass, lower(name))
		}
	}
}

// WithAuthorizer sets a function that has the last word on a call that is good, once its body has been checked. An
// error that is a [*Problem] is answered as it is. Any other error is answered with 403, and its text is not shown.
func WithAuthorizer(authorize func(*http.Request, Principal) error) Option {
	return func(g *gate) { g.authorize = authorize }
}

// WithSunset sets how long before a key's version expires its holder is told, in a Sunset header (RFC 8594); 14 days by
// default. Holders of a version that has a successor are always told.
func WithSunset(within time.Duration) Option {
	return func(g *gate) { g.sunsetWithin = cmp.Or(max(within, 0), g.sunsetWithin) }
}

// WithRetryAfter sets what a 503 says, in whole seconds; 5 s by default.
func WithRetryAfter(d time.Duration) Option {
	return func(g *gate) { g.retryAfter = cmp.Or(max(d, 0), g.retryAfter) }
}

// WithChallenge sets the WWW-Authenticate of a 401. The default is that of vrnt-1; RFC 9421 defines none.
func WithChallenge(challenge string) Option {
	return func(g *gate) { g.challenge = cmp.Or(challenge, g.challenge) }
}

// WithLogger logs why calls were not judged. Without it nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(g *gate) { g.log = cmp.Or(log, g.log) }
}
