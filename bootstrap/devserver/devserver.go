// Package devserver runs a real Vault or OpenBao server, or a cluster of them, as child processes, for development and
// tests: on loopback, with the plugin mounted, policies loaded and people enrolled. Nothing of it outlives the process
// that started it.
package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

// readyWithin is how long a server may take to answer, with much room for a machine that is busy.
const readyWithin = 2 * time.Minute

// Options says which server to start, and how.
type Options struct {
	Bin     string // the server binary, as Find returns it
	Port    int    // on 127.0.0.1; 0 for any that is free
	Dir     string // to be made, for its files, and removed with it; empty for a temporary one
	Durable bool   // keep storage in files (raft, one node), so that it outlives Restart; in memory otherwise
	// Uncached has the server read what is stored from storage each time.
	Uncached bool
	// MaxRequest bounds a request, in bytes; 0: as the server does by itself.
	MaxRequest int
}

// Server is a running server, initialised and unsealed. Its methods are safe for concurrent use, but for those that
// start and stop it.
type Server struct {
	Addr      string // as http://127.0.0.1:PORT
	Bin       string // the binary that runs, which is its CLI too
	Dir       string // holds all its files, and ends with it
	RootToken string

	unsealKey string
	base      *api.Client
	process   *process

	mu        sync.Mutex
	accessors map[string]string // of the auth methods, by path without the slash
	logins    map[string]login  // by person
}

// Start starts a server and returns it unsealed. A port that is taken is [ErrPortTaken].
func Start(ctx context.Context, options Options) (*Server, error) {
	const tries = 3
	for try := 1; ; try++ {
		s, err := start(ctx, options)
		// A port that was free may be another's by the time the server takes it.
		if options.Port != 0 || try == tries || err == nil || !strings.Contains(err.Error(), "address already in use") {
			return s, err
		}
	}
}

func start(ctx context.Context, options Options) (*Server, error) {
	s, err := prepare(options, "dev")
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// prepare returns a server that is ready to be launched, with its files in a directory of its own.
func prepare(options Options, node string) (*Server, error) {
	address, err := listenAddress(options.Port)
	if err != nil {
		return nil, err
	}
	dir, err := makeDir(options.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Addr: "http://" + address, Bin: options.Bin, Dir: dir,
		accessors: map[string]string{}, logins: map[string]login{},
	}
	config := &api.Config{Address: s.Addr, HttpClient: &http.Client{Transport: &http.Transport{}}, Timeout: readyWithin}
	s.base, err = api.NewClient(config)
	if err := errors.Join(err, s.configure(address, options, node)); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// makeDir makes the directory, or a temporary one where it has no name, and returns its absolute path.
func makeDir(name string) (string, error) {
	if name == "" {
		return os.MkdirTemp("", "devserver-")
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		return "", err
	}
	return filepath.Abs(name)
}

// begin launches a server for the first time, initialises it and unseals it.
func (s *Server) begin(ctx context.Context) error {
	if err := s.launch(ctx); err != nil {
		return err
	}
	keys, err := s.Client("").Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return err
	}
	s.unsealKey, s.RootToken = keys.Keys[0], keys.RootToken
	return s.Unseal(ctx)
}

// configure writes the server's configuration, in JSON as both servers read it.
func (s *Server) configure(address string, options Options, node string) error {
	cluster, err := listenAddress(0) // The server would take the port next to ours, which may be another's.
	if err != nil {
		return err
	}
	data := filepath.Join(s.Dir, "storage")
	if err := errors.Join(os.Mkdir(s.pluginDir(), 0o700), os.Mkdir(data, 0o700)); err != nil {
		return err
	}
	storage := map[string]any{"inmem": map[string]any{}}
	if options.Durable {
		storage = map[string]any{"raft": map[string]any{"path": data, "node_id": node, "performance_multiplier": 1}}
	}
	listener := map[string]any{"address": address, "cluster_address": cluster, "tls_disable": true}
	if options.MaxRequest > 0 {
		listener["max_request_size"] = options.MaxRequest
	}
	config, err := json.Marshal(map[string]any{
		"storage":              storage,
		"listener":             map[string]any{"tcp": listener},
		"api_addr":             s.Addr,
		"cluster_addr":         "https://" + cluster,
		"plugin_directory":     s.pluginDir(),
		"disable_mlock":        true,
		"disable_cache":        options.Uncached,
		"raw_storage_endpoint": true, // tests look for secrets in what is stored
		// OpenBao makes audit devices at run time only when told to; Vault does not know the setting, and says so.
		"unsafe_allow_api_audit_creation": true,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(s.configFile(), config, 0o600)
}

// launch starts the process and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	cmd := exec.Command(s.Bin, "server", "-config="+s.configFile()) //nolint:noctx // Stop ends it, in order.
	cmd.Env = s.Env("")
	process, err := launch(cmd, s.LogFile())
	if err != nil {
		return err
	}
	s.process = process
	return s.poll(ctx, "answer", func(ctx context.Context) bool {
		_, err := s.Client("").Sys().SealStatusWithContext(ctx)
		return err == nil
	})
}

// poll waits until done reports true; it ends early when the server does.
func (s *Server) poll(ctx context.Context, what string, done func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done(ctx) {
		select {
		case <-tick.C:
		case <-s.process.done:
			return fmt.Errorf("server ended instead: %s", s.process.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("server did not %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	var err error
	if s.process != nil {
		err = s.process.stop()
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}

// Restart ends a durable server and starts it anew, unsealed.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.process.stop(); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return err
	}
	return s.Unseal(ctx)
}

// Kill ends the server and its plugins at once, as a machine that fails does.
func (s *Server) Kill() error { return s.process.kill() }

// Seal seals the server, which ends its plugins.
func (s *Server) Seal(ctx context.Context) error { return s.Root().Sys().SealWithContext(ctx) }

// Unseal unseals the server, and returns when it is active.
func (s *Server) Unseal(ctx context.Context) error {
	if _, err := s.Client("").Sys().UnsealWithContext(ctx, s.unsealKey); err != nil {
		return err
	}
	return s.poll(ctx, "become active", s.active)
}

func (s *Server) active(ctx context.Context) bool {
	health, err := s.Client("").Sys().HealthWithContext(ctx)
	return err == nil && health.Initialized && !health.Sealed && !health.Standby
}

// Run starts another command of the server's binary, such as an agent, that acts for nobody; stop ends it. What it
// prints is appended to the file log.
func (s *Server) Run(log string, args ...string) (stop func() error, err error) {
	cmd := exec.Command(s.Bin, args...) //nolint:noctx // It is for the caller to stop.
	cmd.Env = s.Env("")
	process, err := launch(cmd, log)
	if err != nil {
		return nil, err
	}
	return process.stop, nil
}

// Root returns a client with the root token.
func (s *Server) Root() *api.Client { return s.Client(s.RootToken) }

// Client returns a client that acts with the token, whatever the environment says.
func (s *Server) Client(token string) *api.Client {
	client := s.base.WithNamespace("")
	client.SetToken(token)
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client
}

// Env returns the environment for a command that acts with the token: this process's own, without what it says of other
// servers, and with a home where no token was left by another login.
func (s *Server) Env(token string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "VAULT_") && !strings.HasPrefix(entry, "BAO_") &&
			!strings.HasPrefix(entry, "HOME=") {
			env = append(env, entry)
		}
	}
	return append(env, "HOME="+s.Dir, "VAULT_ADDR="+s.Addr, "VAULT_TOKEN="+token)
}

// PID returns the process ID of the server, which is that of its process group too; its plugins are its children.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// LogFile returns the path of the server's log.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, "server.log") }

// AuditFile returns the path of the audit log that [Server.EnableAudit] asks for.
func (s *Server) AuditFile() string { return filepath.Join(s.Dir, "audit.log") }

func (s *Server) configFile() string { return filepath.Join(s.Dir, "config.json") }
func (s *Server) pluginDir() string  { return filepath.Join(s.Dir, "plugins") }
