package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// outcome is the result of a try.
type outcome int

const (
	hole           outcome = iota
	closedPolicy           // Vault's policies refuse it
	closedIdentity         // the engine refuses it because of the caller's identity
	closedRefused          // the engine refuses the request itself, before any effect
	closedUnfound          // the answer is the same as for an object that does not exist
	absent                 // there is no such path or method
	unjudged               // the answer tells nothing, for example when the server is overloaded
)

// judge returns what an answer to a try means at one wall.
type judge func(t try, a *answered) outcome

// outside judges tries on paths that are closed to the caller. Only a 403 and a missing path count as closed.
// Every other answer shows that the caller was let through: a 404 that names a key, an empty list, a 409, a 400
// for a bad field.
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

// refused judges requests on the caller's own paths that must be refused with 400 or 403.
func refused(t try, a *answered) outcome {
	if a.status == http.StatusBadRequest {
		return closedRefused
	}
	return outside(t, a)
}

// unfound judges requests on the caller's own paths for another tenant's objects. None may be found.
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

// harmlessRead judges the caller's own reads. [run.tells] checks that they show nothing of another tenant.
func harmlessRead(t try, a *answered) outcome {
	if a.ok() || a.status == http.StatusBadRequest || a.status == http.StatusNotFound && !isAbsent(a) {
		return closedUnfound
	}
	return outside(t, a)
}

// engines reports whether an error is the engine's. Vault's policies say only that permission is denied.
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

// tells reports whether an answer contains another tenant's data that was not in the request.
func tells(t try, a *answered, secrets []string) bool {
	asked, _ := json.Marshal(t.sent) // it was sent once already
	for _, s := range secrets {
		if strings.Contains(string(a.body), s) && !strings.Contains(t.path+string(asked), s) {
			return true
		}
	}
	return false
}

// sameData reports whether two answers are equal, except for values that are new in each.
func sameData(a, b *answered) bool {
	first, err := json.Marshal(a.Data)
	if err != nil {
		return false
	}
	second, err := json.Marshal(b.Data)
	return err == nil && a.status == b.status && string(first) == string(second)
}
