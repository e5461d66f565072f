package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// outcome is what became of a try.
type outcome int

const (
	hole           outcome = iota
	closedPolicy           // Vault's policies refuse it
	closedIdentity         // the engine does, knowing who asks
	closedRefused          // the request itself is refused, before any effect
	closedUnfound          // as for what does not exist
	absent                 // there is no such path or method
	unjudged               // nothing can be told from the answer, as when the server is overloaded
)

// judge says what an answer to a try means at one wall.
type judge func(t try, a *answered) outcome

// outside is for walls behind which the caller has no business at all: only a 403 is closed, or that nothing is there.
// All else is told to those alone who were let through: a 404 that names a key, a list that is empty, a 409, a 400 for
// a bad field.
func outside(_ try, a *answered) outcome {
	switch {
	case a.status == http.StatusForbidden && slices.ContainsFunc(a.Errors, engines):
		return closedIdentity
	case a.status == http.StatusForbidden:
		return closedPolicy
	case isAbsent(a):
		return absent
	case unclear(a):
		return unjudged
	default:
		return hole
	}
}

// refused is for requests on the caller's own paths that must be refused as they are: 400, or 403.
func refused(t try, a *answered) outcome {
	if a.status == http.StatusBadRequest {
		return closedRefused
	}
	return outside(t, a)
}

// unfound is for requests on the caller's own paths about what is another's: nothing of it may be found.
func unfound(t try, a *answered) outcome {
	switch {
	case isAbsent(a):
		return absent
	case a.status == http.StatusNotFound:
		return closedUnfound
	case a.status == http.StatusConflict: // the caller's own key has another ID
		return closedUnfound
	default:
		return refused(t, a)
	}
}

// harmlessRead is for the caller's own reads: whatever they answer, it must not be another's, which [run.tells] judges.
func harmlessRead(t try, a *answered) outcome {
	if a.ok() || a.status == http.StatusBadRequest || a.status == http.StatusNotFound && !isAbsent(a) {
		return closedUnfound
	}
	return outside(t, a)
}

// engines reports whether an error is the engine's own; Vault's policies say nothing but that permission is denied.
func engines(text string) bool {
	return !strings.HasSuffix(strings.TrimSpace(text), "permission denied") && !strings.Contains(text, "preflight")
}

func isAbsent(a *answered) bool {
	said := a.says()
	switch a.status {
	case http.StatusNotFound:
		return strings.Contains(said, "unsupported path") || strings.Contains(said, "no handler for route")
	case http.StatusMethodNotAllowed:
		return strings.Contains(said, "unsupported operation")
	default:
		return false
	}
}

func unclear(a *answered) bool {
	return a.status >= 500 || a.status == http.StatusTooManyRequests || a.status >= 300 && a.status < 400
}

// tells reports whether an answer holds what is another's and was not in the request.
func tells(t try, a *answered, secrets []string) bool {
	asked, _ := json.Marshal(t.sent) // It was sent.
	for _, s := range secrets {
		if strings.Contains(string(a.body), s) && !strings.Contains(t.path+string(asked), s) {
			return true
		}
	}
	return false
}

// sameData reports whether two answers say the same, but for what is new in each.
func sameData(a, b *answered) bool {
	first, err := json.Marshal(a.Data)
	if err != nil {
		return false
	}
	second, err := json.Marshal(b.Data)
	return err == nil && a.status == b.status && string(first) == string(second)
}
