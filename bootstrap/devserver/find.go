package devserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// ErrNoServer says that there is neither a Vault nor an OpenBao binary to run.
var ErrNoServer = errors.New(
	"no server binary: set VAULT_BIN or BAO_BIN, have vault or bao on PATH, or run `make server`",
)

// ErrPortTaken says that something else listens on the port asked for.
var ErrPortTaken = errors.New("port is taken")

// Find returns the path of the server binary to run: the one named by VAULT_BIN or BAO_BIN, else vault or bao on PATH,
// else built, where `make server` leaves one. A variable that names nothing to run is an error, as the caller would
// otherwise test another server than was asked for.
func Find(built string) (string, error) {
	for _, variable := range []string{"VAULT_BIN", "BAO_BIN"} {
		if name := os.Getenv(variable); name != "" {
			path, err := exec.LookPath(name)
			if err != nil {
				return "", fmt.Errorf("%s: %w", variable, err)
			}
			return path, nil
		}
	}
	for _, name := range []string{"vault", "bao", built} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoServer
}

// listenAddress returns the loopback address of a port that is free now; port 0 stands for any. That one lies below
// those that the system gives to outgoing connections, so that a server which is down finds its port free when it comes
// back.
func listenAddress(port int) (string, error) {
	if port == 0 {
		const first, count, tries = 20000, 12000, 100
		for range tries {
			address, err := listenAddress(first + rand.IntN(count)) //nolint:gosec // G404: no secret, a port
			if !errors.Is(err, ErrPortTaken) {
				return address, err
			}
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", fmt.Errorf("%w: something listens on 127.0.0.1:%d already", ErrPortTaken, port)
	}
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
