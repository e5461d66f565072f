package signing

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// check refuses what must not be signed, before the body is read.
func (t *Transport) check(r *http.Request) error {
	switch {
	case t.Signer == nil:
		return fmt.Errorf("%w: the transport has no signer", ErrUnsignable)
	case r.URL == nil || r.URL.Host == "":
		return fmt.Errorf("%w: no host in its URL", ErrUnsignable)
	case r.Method == http.MethodConnect:
		return fmt.Errorf("%w: CONNECT", ErrUnsignable)
	case len(r.Trailer) > 0:
		return fmt.Errorf("%w: trailers", ErrUnsignable)
	case r.URL.Scheme != "https" && r.URL.Scheme != "http":
		return fmt.Errorf("%w: a URL of scheme %q", ErrUnsignable, r.URL.Scheme)
	case r.URL.Scheme == "http" && !t.PlainHTTP && !isLoopback(r.URL.Hostname()):
		return fmt.Errorf("%w: plain HTTP to %s", ErrUnsignable, r.URL.Host)
	}
	// Check both the address and the Host, so that a call for one server cannot be sent to another.
	for _, authority := range []string{r.URL.Host, authorityOf(r)} {
		if !t.named(authority, r.URL.Scheme) {
			return fmt.Errorf("%w: %s", ErrHost, authority)
		}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return equalFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// authorityOf returns the Host that net/http sends.
func authorityOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

func (t *Transport) named(authority, scheme string) bool {
	authority = fullAuthority(authority, scheme)
	return slices.ContainsFunc(t.Hosts, func(host string) bool { return fullAuthority(host, scheme) == authority })
}

// fullAuthority returns an authority in lower case, without the default port of its scheme.
func fullAuthority(authority, scheme string) string {
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return strings.TrimSuffix(string(appendLower(nil, authority)), port)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// readBody reads the body of r and closes it. Without an error, the result is not nil. It does not wait for a
// hanging reader once the request is canceled.
func readBody(r *http.Request, most int64) ([]byte, error) {
	switch {
	case r.Body == nil && r.ContentLength > 0: // net/http refuses this too, but would not see it after setBody
		return nil, fmt.Errorf("%w: no body, and %d bytes announced", ErrUnsignable, r.ContentLength)
	case r.Body == nil || r.Body == http.NoBody:
		return []byte{}, nil
	}
	defer closeBody(r)
	if r.ContentLength > most {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBodySize, most)
	}
	type result struct {
		body []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
		done <- result{body, err}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case read := <-done:
		switch n := int64(len(read.body)); {
		case read.err != nil:
			return nil, fmt.Errorf("reading the body: %w", read.err)
		case n > most:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrBodySize, most)
		case r.ContentLength > 0 && n != r.ContentLength:
			return nil, fmt.Errorf(
				"%w: a body of %d bytes, and not of the %d announced",
				ErrUnsignable,
				n,
				r.ContentLength,
			)
		}
		return read.body, nil
	}
}

// setBody sets the body of a cloned request, and its digest.
func setBody(r *http.Request, body []byte) error {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.ContentLength, r.TransferEncoding = int64(len(body)), nil
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if len(body) == 0 {
		r.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
	}
	r.Body, _ = r.GetBody()
	given := r.Header.Values(contentDigestName)
	if len(given) == 0 {
		if len(body) > 0 {
			r.Header.Set(contentDigestName, DigestBody(body))
		}
		return nil
	}
	digest, err := ParseContentDigest(strings.Join(given, ", "))
	if err != nil {
		return err
	}
	switch {
	case digest.Matches(body):
	case r.Response != nil && len(body) == 0:
		// A redirect to a GET drops the body, and net/http does not know that this header belongs to it.
		r.Header.Del(contentDigestName)
	default:
		return fmt.Errorf("%w: its Content-Digest is not that of its body", ErrUnsignable)
	}
	return nil
}

// headOf returns the head of r as net/http sends it, without headers that no scheme looks at. HTTP/2 sends the
// same in another form.
func headOf(r *http.Request) (*Head, error) {
	authority := authorityOf(r)
	for i := range len(authority) {
		if c := authority[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`%/?#@\,"`, c) >= 0 {
			return nil, fmt.Errorf(
				"%w: a host that is not plain ASCII; give it in punycode, and without a zone",
				ErrUnsignable,
			)
		}
	}
	method, target := r.Method, r.URL.RequestURI()
	if method == "" {
		method = http.MethodGet
	}
	lines, err := headerLines(r, method)
	if err != nil {
		return nil, err
	}
	text := method + " " + target + " HTTP/1.1\n" + hostName + ": " + authority + "\n" + strings.Join(lines, "")
	head, err := ParseHeadString(text)
	switch {
	case err != nil:
		return nil, err
	case head.method != method || head.target != target || len(head.Headers()) != 1+len(lines):
		return nil, fmt.Errorf("%w: line ends in a method, URL or header", ErrUnsignable)
	case !SortedVerint(head):
		return nil, fmt.Errorf("%w: Verint- headers whose names are not in order once in lower case", ErrUnsignable)
	}
	return head, nil
}

// headerLines returns the lines after Host, with their endings.
func headerLines(r *http.Request, method string) ([]string, error) {
	var lines []string
	if r.ContentLength > 0 || method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		lines = append(lines, contentLengthName+": "+strconv.FormatInt(r.ContentLength, 10)+"\n")
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) { // net/http sorts them like this
		values := r.Header[name]
		if !isLookedAt(name) || len(values) == 0 {
			continue
		}
		folded := string(appendLower(nil, name))
		if seen[folded] || len(values) > 1 && uniqueHeaderOf(name) != repeatable {
			return nil, fmt.Errorf("%w: more than one %s", ErrUnsignable, http.CanonicalHeaderKey(name))
		}
		seen[folded] = true
		switch http.CanonicalHeaderKey(name) {
		case hostName, contentLengthName, transferEncodingName:
			if http.CanonicalHeaderKey(name) != name {
				return nil, fmt.Errorf("%w: a header %s, which is not in its canonical form", ErrUnsignable, name)
			}
			continue // net/http sends the request's own fields instead
		}
		for _, value := range values {
			lines = append(lines, name+": "+value+"\n")
		}
	}
	return lines, nil
}

// isLookedAt reports whether a scheme covers headers with that name, or a verifier could take them for ones
// that decide.
func isLookedAt(name string) bool {
	return uniqueHeaderOf(name) != repeatable || equalFold(name, contentDigestName) ||
		equalFold(name, contentLengthName) || equalFold(name, transferEncodingName)
}
