// Command dev runs a development server with the plugin, two tenants and their people, and walks through the tour.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// tenants are those of the tour.
var tenants = []string{"acme", "globex"}

// tokenDir holds everybody's token for as long as the server runs.
const tokenDir = "build/dev"

// options says where things are, from the root of the repository.
type options struct {
	server, plugin, version, sign string
	port                          int
	stay                          bool
}

func main() {
	o := options{}
	flag.StringVar(&o.server, "server", "build/server/vault", "server binary, when no other is found")
	flag.StringVar(&o.plugin, "plugin", "build/vault-plugin-secrets-apikeys", "plugin binary")
	flag.StringVar(&o.version, "version", "", "version of the plugin, as v0.1.0")
	flag.StringVar(&o.sign, "sign", "build/bin/sign", "the tour's signing program")
	flag.BoolVar(&o.stay, "stay", false, "stay up after the tour, until interrupted")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.port, err = port(); err != nil {
		return err
	}
	bin, err := devserver.Find(o.server)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Starting %s on 127.0.0.1:%d.\n", bin, o.port)
	server, err := devserver.Start(ctx, devserver.Options{Bin: bin, Port: o.port})
	if errors.Is(err, devserver.ErrPortTaken) {
		return fmt.Errorf("%w: set VAULT_PORT to another", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(), os.RemoveAll(tokenDir)) }()

	people, err := furnish(ctx, server, o)
	if err != nil {
		return err
	}
	tokens, err := logins(ctx, server, people)
	if err != nil {
		return err
	}
	walk := &tour.Tour{Server: server, Sign: o.sign, Tokens: tokens, Out: out}
	toured := walk.Run(ctx, tour.Steps())
	if !o.stay || ctx.Err() != nil {
		return toured
	}
	if toured != nil {
		fmt.Fprintf(out, "\nThe tour went wrong: %v\n", toured)
	}
	// Some logged out on the way.
	if tokens, err = logins(ctx, server, people); err != nil {
		return errors.Join(toured, err)
	}
	tokens["root"] = server.RootToken
	if err := leave(tokenDir, server, tokens); err != nil {
		return errors.Join(toured, err)
	}
	invite(out, server.Addr)
	<-ctx.Done()
	return toured
}

// port returns the port to listen on: VAULT_PORT, or Vault's own.
func port() (int, error) {
	text := os.Getenv("VAULT_PORT")
	if text == "" {
		return 8200, nil
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("VAULT_PORT %q is no port", text)
	}
	return int(number), nil
}

// furnish mounts the plugin, loads the policies and enrols everybody.
func furnish(ctx context.Context, server *devserver.Server, o options) ([]devserver.Person, error) {
	plugin := devserver.Plugin{File: o.plugin, Version: o.version, Mount: policies.Mount}
	if err := server.Install(ctx, plugin); err != nil {
		return nil, err
	}
	if err := server.LoadPolicies(ctx, "scripts/policies.sh", policies.Mount, policies.Prefix); err != nil {
		return nil, err
	}
	if err := server.EnableLogins(ctx); err != nil {
		return nil, err
	}
	people := tour.Provider()
	for _, tenant := range tenants {
		people = append(people, tour.Staff(tenant)...)
	}
	for _, person := range people {
		if err := server.Enrol(ctx, person); err != nil {
			return nil, fmt.Errorf("%s: %w", person.Name, err)
		}
	}
	return people, nil
}

// logins logs everybody in, and returns their tokens by name.
func logins(ctx context.Context, server *devserver.Server, people []devserver.Person) (map[string]string, error) {
	tokens := map[string]string{}
	for _, person := range people {
		token, err := server.Login(ctx, person.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", person.Name, err)
		}
		tokens[person.Name] = token
	}
	return tokens, nil
}
