package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"
)

// maxToken bounds what is read as a token. Vault's own have about a hundred characters, those of others some thousands.
const maxToken = 64 << 10

// FromEnv returns a client as the environment describes it (VAULT_ADDR, VAULT_AGENT_ADDR, VAULT_NAMESPACE, VAULT_CACERT
// and the others that [api.DefaultConfig] reads). Its token comes from a file, such as the sink that a Vault Agent
// writes: whenever the file has changed, the next question carries the new token.
//
// Without a name the token is VAULT_TOKEN's, or else that of ~/.vault-token, where `vault login` leaves it. No token at
// all is no error, because an agent or proxy may log in for its clients.
func FromEnv(tokenFile string) (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	optional := tokenFile == ""
	if optional {
		home, err := os.UserHomeDir()
		if os.Getenv(api.EnvVaultToken) != "" || err != nil {
			return api.NewClient(config) // Without a home there is no file in it.
		}
		tokenFile = filepath.Join(home, ".vault-token")
	}
	file := &tokenFileReader{name: tokenFile}
	if _, err := file.token(); err != nil && (!optional || !errors.Is(err, os.ErrNotExist)) {
		return nil, err
	}
	if err := dialSocket(config); err != nil {
		return nil, err
	}
	// Clones of the client, such as a verifier's, share its transport, and nothing else that could add the token.
	config.HttpClient.Transport = &tokenTransport{config.HttpClient.Transport, file}
	vault, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	vault.ClearToken()
	return vault, nil
}

// dialSocket makes a configuration whose address is a socket dial that socket. [api.NewClient] would do so itself,
// but it needs a transport of its own type for that.
func dialSocket(config *api.Config) error {
	for _, address := range []*string{&config.Address, &config.AgentAddress} {
		if strings.HasPrefix(*address, "unix://") && (address == &config.AgentAddress || config.AgentAddress == "") {
			if _, err := config.ParseAddress(*address); err != nil {
				return err
			}
			*address = "http://localhost"
		}
	}
	return nil
}

// tokenTransport adds the token of a file to requests that the app has given none.
type tokenTransport struct {
	http.RoundTripper
	file *tokenFileReader
}

// CloseIdleConnections is what an [http.Client] asks of its transport.
func (t *tokenTransport) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}

func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get(api.AuthHeaderName) == "" {
		// A file that cannot be read now, or is being written, leaves the last token that could.
		if token, _ := t.file.token(); token != "" {
			r = r.Clone(r.Context())
			r.Header.Set(api.AuthHeaderName, token)
		}
	}
	return t.RoundTripper.RoundTrip(r)
}

// tokenFileReader holds the token of a file, which it reads when the file has changed.
type tokenFileReader struct {
	name string

	mu   sync.Mutex
	last string
	seen os.FileInfo
}

// token returns the token that the file holds or, with an error, the last that it held.
func (f *tokenFileReader) token() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.name)
	if err != nil {
		return f.last, err
	}
	if f.seen != nil && os.SameFile(f.seen, info) &&
		f.seen.ModTime().Equal(info.ModTime()) && f.seen.Size() == info.Size() {
		return f.last, nil
	}
	token, err := readToken(f.name)
	if err != nil {
		return f.last, err
	}
	f.last, f.seen = token, info
	return token, nil
}

func readToken(name string) (string, error) {
	file, err := os.Open(name) //nolint:gosec // The app names its own file.
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	visible := func(r rune) bool { return '!' <= r && r <= '~' }
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return !visible(r) }) {
		return "", fmt.Errorf("%s: no token in it", name)
	}
	return token, nil
}
