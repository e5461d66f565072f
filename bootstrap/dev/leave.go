package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// invite says what to try after the tour.
func invite(out io.Writer, addr string) {
	fmt.Fprintf(out, "\nThe server stays up at %s until Ctrl-C. In another terminal, in this directory:\n\n", addr)
	fmt.Fprintf(out, "    . %s\n", filepath.Join(tokenDir, "env"))
	for _, step := range tour.Next() {
		fmt.Fprintf(out, "    as %s %s\n", step.Who, strings.TrimPrefix(step.Run, "vault "))
	}
	fmt.Fprintf(out, "\n%s holds the token of each who can act; root is one of them.\n", tokenDir)
}

// env is a file for a shell to source.
const env = `export VAULT_ADDR=%q
as() { # as PERSON COMMAND...: run a command of the server's CLI as that person
	VAULT_TOKEN=$(cat %q/"$1".token) %q "${@:2}"
}
`

// leave writes the tokens of everybody into a directory that nobody else can read, with a file to source.
func leave(dir string, server *devserver.Server, tokens map[string]string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	bin, err := filepath.Abs(server.Bin)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, token := range tokens {
		if err := os.WriteFile(filepath.Join(dir, name+".token"), []byte(token+"\n"), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "env"), fmt.Appendf(nil, env, server.Addr, dir, bin), 0o600)
}
