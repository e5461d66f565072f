package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// invite says what to try after the tour; ended: it was ended early, so that not all of it is there.
func invite(out io.Writer, addr, dir string, ended bool) {
	about := fmt.Sprintf("The server stays up at %s until Ctrl-C. In another terminal, in this directory:", addr)
	if ended {
		about += " (What the rest of the tour would have made is not there.)"
	}
	fmt.Fprintf(out, "\n%s\n", tour.Text(about, ""))
	fmt.Fprintf(out, "    . %s\n", filepath.Join(dir, "env"))
	for _, step := range tour.Next() {
		line := fmt.Sprintf("as %s %s", step.Who, strings.TrimPrefix(step.Run, "vault "))
		const indent = 4
		fmt.Fprintf(out, "%*s%s\n", indent, "", tour.Command(line, indent))
	}
	fmt.Fprintf(out, "\n%s", tour.Text(dir+" holds the token of each who can act; root is one of them.", ""))
}

// env is a file for a shell to source: in the language that all shells have, not bash alone. The function runs in a
// shell of its own, so that nothing of it stays; and what the environment says of tokens and of servers is of no
// account in it.
const env = `export VAULT_ADDR=@addr@
as() ( # as PERSON COMMAND...: run a command of the server's CLI as that person
	case ${1-} in
	@names@) ;;
	*)
		printf 'as: nobody is called "%s" here. There are: %s\n' "${1-}" @people@ >&2
		exit 2
		;;
	esac
	if ! [ -s @dir@/"$1".token ]; then
		printf 'as: the server at %s has ended: start another with make dev\n' @addr@ >&2
		exit 2
	fi
	VAULT_ADDR=@addr@ VAULT_TOKEN=$(cat @dir@/"$1".token) || exit
	BAO_ADDR=$VAULT_ADDR BAO_TOKEN=$VAULT_TOKEN
	export VAULT_ADDR VAULT_TOKEN BAO_ADDR BAO_TOKEN
	unset VAULT_NAMESPACE VAULT_AGENT_ADDR VAULT_PROXY_ADDR BAO_NAMESPACE BAO_AGENT_ADDR BAO_PROXY_ADDR
	shift
	exec @bin@ "$@"
)
`

// leave writes the tokens of everybody into the folder, which nobody else can read, with a file to source.
func leave(dir string, server *devserver.Server, tokens map[string]string) error {
	for name, token := range tokens {
		if err := os.WriteFile(filepath.Join(dir, name+".token"), []byte(token+"\n"), 0o600); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	bin, err := filepath.Abs(server.Bin)
	if err != nil {
		return err
	}
	people := slices.Sorted(maps.Keys(tokens))
	filled := strings.NewReplacer(
		"@names@", strings.Join(people, " | "), "@people@", quote(strings.Join(people, " ")),
		"@addr@", quote(server.Addr), "@dir@", quote(dir), "@bin@", quote(bin),
	).Replace(env)
	return os.WriteFile(filepath.Join(dir, "env"), []byte(filled), 0o600)
}

// quote makes text one word of shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
