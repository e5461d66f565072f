package middleware

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-apikeys/client/judge"
)

// Problem is a refusal, answered as problem details (RFC 9457) of media type application/problem+json.
type Problem struct { //nolint:errname // RFC 9457 calls it so
	Type   string `json:"type"`  // a URI; "" means about:blank
	Title  string `json:"title"` // "" means the status in words
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // for people; it must hold no secret
	Code   string `json:"code,omitempty"`   // for programs, such as "revoked"
}

// Error returns the code, or the detail of a problem without.
func (p *Problem) Error() string {
	if p.Code != "" {
		return p.Code
	}
	return p.Detail
}

// answer writes a problem.
func (g *gate) answer(w http.ResponseWriter, problem *Problem) {
	p := *problem
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Status < http.StatusBadRequest || p.Status > 599 {
		p.Status = http.StatusForbidden
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	text, err := json.Marshal(p)
	if err != nil { // Texts and a number always marshal.
		text = []byte("{}")
	}
	text = append(text, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", g.challenge)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.FormatInt(max(int64(g.retryAfter/time.Second), 1), 10))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(text)
}

// refused returns the problem of a verdict, or nil for a valid one. A code that is not known is answered as no verdict.
func refused(v judge.Verdict) *Problem {
	const denied, no = http.StatusForbidden, http.StatusUnauthorized
	switch v.Code {
	case judge.Valid:
		if v.Valid {
			return nil
		}
		return unavailable()
	case judge.Malformed, judge.UnknownKey, judge.BadSignature:
		return unauthenticated()
	case judge.TenantSuspended:
		return problemFor(v, denied, "The service has stopped all calls of this customer.")
	case judge.Revoked:
		return problemFor(v, no, "The key was revoked.")
	case judge.Disabled:
		return problemFor(v, no, "The key is disabled.")
	case judge.Expired:
		return problemFor(v, no, "This version of the key has expired. Sign with its successor.")
	case judge.TooOld:
		return problemFor(v, no, "The call was signed too long ago.")
	case judge.TooNew:
		return problemFor(v, no, "The call was signed in the future. Check the clock.")
	case judge.SourceDenied:
		return problemFor(v, denied, "The key is not good from this address.")
	case judge.OutOfScope:
		return problemFor(v, denied, "The key is not good for this call.")
	case judge.Replayed:
		return problemFor(v, no, "This call has been made before. Sign each one anew.")
	default:
		return unavailable()
	}
}

func problemFor(v judge.Verdict, status int, detail string) *Problem {
	return &Problem{Status: status, Detail: detail, Code: string(v.Code)}
}

// unauthenticated is one answer for three verdicts, so that strangers learn nothing about keys.
func unauthenticated() *Problem {
	const detail = "The call is not signed, or not with a key that is known here."
	return &Problem{Status: http.StatusUnauthorized, Detail: detail}
}

func unavailable() *Problem {
	const detail = "Signatures cannot be verified at the moment. Sign anew and try again later."
	return &Problem{Status: http.StatusServiceUnavailable, Code: "not_judged", Detail: detail}
}

func forbidden() *Problem {
	return &Problem{Status: http.StatusForbidden, Code: "forbidden", Detail: "The caller may not make this call."}
}

func bodyNotSigned() *Problem {
	const detail = "The signature does not cover the body."
	return &Problem{Status: http.StatusUnauthorized, Code: "body_not_signed", Detail: detail}
}

func bodyTooLarge() *Problem {
	const detail = "The body is too long to be checked."
	return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Detail: detail}
}

func bodyUnread() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: "body_unread", Detail: "The body could not be read."}
}

func digestMismatch() *Problem {
	const detail = "The body is not the one that was signed."
	return &Problem{Status: http.StatusUnauthorized, Code: "digest_mismatch", Detail: detail}
}
