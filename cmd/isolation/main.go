// Command isolation tests on any live mount that the provider's administrator (the SPA) and the tenants are kept apart.
// With tokens of the SPA and of two tenants, it tries every path and method across every wall. It also reads the grants
// of the tokens' policies that lead round the walls. It prints a dated report.
//
//	go run ./cmd/isolation -spa-token-file spa -a-token-file acme -b-token-file globex
//
// Tokens come from files, or from ISOLATION_SPA_TOKEN, ISOLATION_A_TOKEN and ISOLATION_B_TOKEN. One side may have
// several tokens, such as those of a tenant's administrator, app and verifier, separated by blanks or lines; each is
// tried. Where logins name tenants, give tokens of one person who has logged in for both: one entity on two sides is a
// hole. VAULT_ADDR, VAULT_CACERT and VAULT_NAMESPACE name the server. The exit code is 0 if there is no hole, 1 if
// there is one, and 2 if the command could not tell.
//
// It is safe on a mount in use. It makes a key, a role and a leased key of each kind in both tenants, through their own
// tokens, and removes them. Across the walls it sends requests that the engine refuses before it does anything, for
// example because of an unknown field. Its other requests only read, or name objects that do not exist.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	exitHoles    = 1
	exitUnproven = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the values of the flags.
type options struct {
	mount                    string
	spa, a, b, operator      string // files
	tenantA, tenantB         string
	asJSON                   bool
	spaT, aT, bT, operatorsT []string
}

func parse(args []string, errs io.Writer) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("isolation", flag.ContinueOnError)
	set.SetOutput(errs)
	set.StringVar(&o.mount, "mount", "apikeys", "where the engine is mounted")
	set.StringVar(&o.spa, "spa-token-file", "", "file with the SPA's token; else ISOLATION_SPA_TOKEN")
	set.StringVar(&o.a, "a-token-file", "", "file with tokens of one tenant; else ISOLATION_A_TOKEN")
	set.StringVar(&o.b, "b-token-file", "", "file with tokens of another; else ISOLATION_B_TOKEN")
	set.StringVar(
		&o.operator,
		"operator-token-file",
		"",
		"file with an operator's token, to read tenant_binding; else ISOLATION_OPERATOR_TOKEN",
	)
	set.StringVar(&o.tenantA, "a-tenant", "", "the name of tenant A, where its tokens cannot tell it")
	set.StringVar(&o.tenantB, "b-tenant", "", "the name of tenant B, likewise")
	set.BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, errors.New("takes no arguments; tokens come from files or the environment")
	}
	o.mount = strings.Trim(o.mount, "/")
	var problems []error
	for _, from := range []struct {
		file, variable string
		into           *[]string
		needed         bool
	}{
		{o.spa, "ISOLATION_SPA_TOKEN", &o.spaT, true},
		{o.a, "ISOLATION_A_TOKEN", &o.aT, true},
		{o.b, "ISOLATION_B_TOKEN", &o.bT, true},
		{o.operator, "ISOLATION_OPERATOR_TOKEN", &o.operatorsT, false},
	} {
		text := os.Getenv(from.variable)
		if from.file != "" {
			content, err := os.ReadFile(from.file)
			problems = append(problems, err)
			text = string(content)
		}
		if *from.into = strings.Fields(text); from.needed && len(*from.into) == 0 {
			problems = append(problems, fmt.Errorf("no token: give the flag or %s", from.variable))
		}
	}
	return o, errors.Join(problems...)
}

// command is the whole command, and returns how to exit.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var at *server
	if err == nil {
		at, err = newServer()
	}
	if err != nil {
		fmt.Fprintln(errs, "isolation:", err)
		return exitUnproven
	}
	r := newRun(o, at)
	r.place(ctx, at)
	if err := r.all(ctx); err != nil {
		r.report.Error = err.Error()
	}
	r.report.sum()
	if o.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r.report)
	} else {
		err = r.report.write(out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errs, "isolation:", err)
		return exitUnproven
	case r.report.Holes > 0:
		return exitHoles
	case r.report.Error != "", r.report.Unjudged > 0:
		fmt.Fprintln(errs, "isolation:", r.report.verdict())
		return exitUnproven
	default:
		return 0
	}
}

func newRun(o *options, at *server) *run {
	at.namespace = os.Getenv("VAULT_NAMESPACE")
	side := func(name, tenant string, tokens []string) *party {
		p := &party{Name: name, Tenant: tenant}
		for _, token := range tokens {
			p.Callers = append(p.Callers, &caller{at: at, token: token})
		}
		return p
	}
	r := &run{
		mount:  o.mount,
		spa:    side("SPA", "", o.spaT),
		a:      side("tenant A", o.tenantA, o.aT),
		b:      side("tenant B", o.tenantB, o.bT),
		report: &report{Time: time.Now().UTC().Truncate(time.Second), Server: at.addr, Mount: o.mount},
	}
	r.report.Parties = r.parties()
	if len(o.operatorsT) > 0 {
		r.operator = &caller{at: at, token: o.operatorsT[0]}
	}
	return r
}
