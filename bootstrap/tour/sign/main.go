// Command sign signs a call with an API key as a program without Vault would: it knows the key file that the integrator
// unwrapped and the two published schemes for requests, and nothing else of this repository.
//
//	sign KEYFILE METHOD TARGET > call.http
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Key is what a key file holds, as far as signing needs it.
type Key struct {
	ID     string `json:"key_id"`
	Secret string `json:"key"` // unpadded base64url
	Scheme string `json:"scheme"`
}

// host is where the calls go.
const host = "api.example"

// Call is a request to sign.
type Call struct {
	Method, Target string
	Headers        []string // as "Name: value", in the order of their names: a server may not keep any other
	Salt           string   // the nonce; never twice with one key
	At             time.Time
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sign", flag.ContinueOnError)
	age := flags.Duration("age", 0, "date the call this long ago")
	var headers []string
	flags.Func("H", "a header, as 'Name: value'; may be repeated", func(header string) error {
		headers = append(headers, header)
		return nil
	})
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: sign [-age DURATION] [-H HEADER]... KEYFILE METHOD TARGET")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 3 {
		flags.Usage()
		return errors.New("need a key file, a method and a target")
	}
	key, err := readKey(flags.Arg(0))
	if err != nil {
		return err
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	slices.SortFunc(headers, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	call := Call{
		Method: flags.Arg(1), Target: flags.Arg(2), Headers: headers,
		Salt: base64.RawURLEncoding.EncodeToString(salt), At: time.Now().Add(-*age),
	}
	signature, err := call.Sign(key)
	if err != nil {
		return err
	}
	lines := append([]string{call.Method + " " + call.Target + " HTTP/1.1", "Host: " + host}, call.Headers...)
	_, err = fmt.Fprintln(out, strings.Join(append(lines, signature...), "\n"))
	return err
}

// readKey reads a key from a file in the JSON that Vault's CLI prints, or from the object inside it alone.
func readKey(name string) (Key, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return Key{}, err
	}
	var file struct {
		Key
		Data *Key `json:"data"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return Key{}, fmt.Errorf("%s holds no key", name)
	}
	key := file.Key
	if file.Data != nil {
		key = *file.Data
	}
	if key.Scheme != "rfc9421" && key.Scheme != "vrnt-1" {
		return Key{}, fmt.Errorf("%s is for scheme %q, and this program knows rfc9421 and vrnt-1", name, key.Scheme)
	}
	return key, nil
}

// Sign returns the headers to add to the call.
func (c Call) Sign(key Key) ([]string, error) {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(key.Secret)
	if err != nil || len(secret) == 0 {
		return nil, errors.New("the key is not base64url")
	}
	if key.Scheme == "vrnt-1" {
		return []string{"Authorization: " + c.vrnt1(key.ID, secret)}, nil
	}
	return c.rfc9421(key.ID, secret), nil
}

// rfc9421 signs the method, the host, the path and the query, if there is one, as RFC 9421 says: a line for each, and
// one for the parameters. By its tag the signature is found among those that others on the way may add.
func (c Call) rfc9421(keyID string, secret []byte) []string {
	path, query, hasQuery := strings.Cut(c.Target, "?")
	names := `"@method" "@authority" "@path"`
	lines := fmt.Sprintf("\"@method\": %s\n\"@authority\": %s\n\"@path\": %s\n", c.Method, host, path)
	if hasQuery {
		names += ` "@query"`
		lines += fmt.Sprintf("\"@query\": ?%s\n", query)
	}
	params := fmt.Sprintf(`(%s);created=%d;keyid="%s";nonce="%s";tag="apikeys"`, names, c.At.Unix(), keyID, c.Salt)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s\"@signature-params\": %s", lines, params)
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return []string{"Signature-Input: sig1=" + params, "Signature: sig1=:" + signature + ":"}
}

// vrnt1 returns the value of the Authorization header. It covers the method, the path without its query, the time and
// the headers whose names start with "verint-".
func (c Call) vrnt1(keyID string, secret []byte) string {
	path, _, _ := strings.Cut(c.Target, "?")
	at := c.At.UTC().Format("2006-01-02T15:04:05Z")
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n", c.Salt, c.Method, path, at, c.covered())
	signature := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	return fmt.Sprintf("Vrnt-1-HMAC-SHA256 salt=%s,iat=%s,kid=%s,sig=%s", c.Salt, at, keyID, signature)
}

// covered returns the signed headers, one to a line.
func (c Call) covered() string {
	var lines strings.Builder
	for _, header := range c.Headers {
		name, value, _ := strings.Cut(header, ":")
		if name = strings.ToLower(name); strings.HasPrefix(name, "verint-") {
			fmt.Fprintf(&lines, "%s:%s\n", name, strings.ToLower(strings.TrimSpace(value)))
		}
	}
	return lines.String()
}
