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
	"path/filepath"
	"strconv"
	"syscall"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// tenants are those of the tour.
var tenants = []string{"acme", "globex"}

// options says where things are, from the root of the repository.
type options struct {
	server, plugin, version, sign, state string
	port                                 int
	stay, pause                          bool
}

func main() {
	o := options{}
	flag.StringVar(&o.server, "server", "build/server/vault", "server binary, when no other is found")
	flag.StringVar(&o.plugin, "plugin", "build/vault-plugin-secrets-apikeys", "plugin binary")
	flag.StringVar(&o.version, "version", "", "version of the plugin, as v0.1.0")
	flag.StringVar(&o.sign, "sign", "build/bin/sign", "the tour's signing program")
	flag.StringVar(&o.state, "state", "build/dev", "folder of the folders of each port")
	flag.BoolVar(&o.pause, "pause", false, "wait for Enter after each step of the tour, unless TOUR=all")
	flag.BoolVar(&o.stay, "stay", false, "stay up after the tour, until interrupted")
	flag.Parse()

	started := origins()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, lost := context.WithCancel(ctx)
	go started.watch(ctx, lost)
	// What is printed to nobody is to be an error, and not the end of us on the spot, with the server still there.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	err := run(ctx, o, os.Stdin, printer{os.Stdout, lost})
	lost()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, in io.Reader, out io.Writer) (err error) {
	if o.port, err = port(); err != nil {
		return err
	}
	all, err := tourAll()
	if err != nil {
		return err
	}
	bin, err := devserver.Find(o.server)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Starting a server on 127.0.0.1:%d, of the binary\n    %s\n", o.port, bin)
	own, server, err := start(ctx, bin, o)
	if errors.Is(err, devserver.ErrPortTaken) {
		return fmt.Errorf("%w: set VAULT_PORT to another", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(), own.release()) }()

	people, err := furnish(ctx, server, o)
	if err != nil {
		return err
	}
	tokens, err := logins(ctx, server, people)
	if err != nil {
		return err
	}
	walk := &tour.Tour{Server: server, Sign: o.sign, Tokens: tokens, Out: out}
	if o.pause && !all {
		walk.In = in
	}
	toured := walk.Run(ctx, tour.Steps())
	ended := errors.Is(toured, tour.ErrEnded)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case ended:
		toured = nil
	case toured != nil && o.stay:
		fmt.Fprintf(out, "\n%s", tour.Text(fmt.Sprintf("The tour went wrong: %v", toured), ""))
	}
	if !o.stay {
		return toured
	}
	// Some logged out on the way.
	if tokens, err = logins(ctx, server, people); err != nil {
		return errors.Join(toured, err)
	}
	if tokens[claimedPerson], err = vouch(ctx, server); err != nil {
		return errors.Join(toured, err)
	}
	tokens["root"] = server.RootToken
	if err := leave(own.dir, server, tokens); err != nil {
		return errors.Join(toured, err)
	}
	invite(out, server.Addr, own.dir, ended)
	<-ctx.Done()
	return toured
}

// errInterrupted says that the tour is not over.
var errInterrupted = errors.New("interrupted before the tour was over; the server has ended")

// start starts the server, with its files in the folder of its port.
func start(ctx context.Context, bin string, o options) (*state, *devserver.Server, error) {
	own, err := claim(o.state, o.port)
	if err != nil {
		return nil, nil, err
	}
	server, err := devserver.Start(
		ctx,
		devserver.Options{Bin: bin, Port: o.port, Dir: filepath.Join(own.dir, "server")},
	)
	if err != nil {
		return nil, nil, errors.Join(err, own.release())
	}
	return own, server, nil
}

// port returns the port to listen on: VAULT_PORT, or Vault's own.
func port() (int, error) {
	text := os.Getenv("VAULT_PORT")
	if text == "" {
		return 8200, nil
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("VAULT_PORT %q is no port: give a number from 1 to 65535", text)
	}
	return int(number), nil
}

// tourAll reports whether TOUR asks for the whole tour without pauses.
func tourAll() (bool, error) {
	switch text := os.Getenv("TOUR"); text {
	case "", "all":
		return text == "all", nil
	default:
		return false, fmt.Errorf("TOUR %q is unknown: it is all, for a tour without pauses, or not set", text)
	}
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
