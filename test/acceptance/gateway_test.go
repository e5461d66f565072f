//go:build acceptance

package acceptance

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// newGateway starts a server that lets through what is judged to be valid, and returns its address.
func newGateway(t *testing.T, judge func(head string) string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := []string{}
		for name, values := range r.Header {
			for _, value := range values {
				lines = append(lines, name+": "+value)
			}
		}
		slices.Sort(lines)
		head := r.Method + " " + r.RequestURI + " HTTP/1.1\nHost: " + r.Host + "\n" + strings.Join(lines, "\n") + "\n"
		if verdict := judge(head); verdict != "valid" {
			http.Error(w, verdict, http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
