//go:build acceptance

package acceptance

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// TestAPICommand verifies a call over HTTP as docs/api.md says.
func TestAPICommand(t *testing.T) {
	t.Parallel()
	r := plays(t, "docs/api.md", shared, nil)
	tenant := shared.tenant(t, "api")
	admin := shared.caller(t, tenant+"-admin")
	admin.must("POST", "apikeys/my/external/keys/orders", nil)
	key := admin.must("POST", "apikeys/my/external/keys/orders/reveal", nil).holder(t)
	r.writes("call.http", key.call("GET", "/v1/orders"))
	var answer answered
	if err := json.Unmarshal([]byte(r.runs("gateway", "curl -s -X PATCH")), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Data["verdict"] != "valid" || answer.Data["tenant"] != tenant {
		t.Errorf("the verdict is %v, of %v", answer.Data["verdict"], answer.Data["tenant"])
	}
}

// aroundSnippets is a program of a service and of an app that calls it, each with the lines of docs/clients.md.
const aroundSnippets = `package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/client/middleware"
	"vault-plugin-secrets-apikeys/client/verify"
	"vault-plugin-secrets-apikeys/signing"
)

func main() {
	go serve()
	server := httptest.NewTLSServer(http.DefaultServeMux)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // whose certificate it has
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	http.DefaultTransport = transport
	<-ready
	call(context.Background())
}

var ready = make(chan bool)

func serve() {
	gateway, err := client.FromEnv(os.Args[1])
	must(err)
	verifier, err := verify.NewVerifier(gateway, "apikeys/verify")
	must(err)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := middleware.PrincipalFrom(r.Context())
		fmt.Fprint(w, who.Tenant)
	})
	{SERVER}
	close(ready)
}

func call(ctx context.Context) {
	{APP}
	must(err)
	for _, c := range []*http.Client{calls, {Transport: http.DefaultTransport}} {
		resp, err := c.Post("https://api.example/orders", "text/plain", strings.NewReader("order 17"))
		must(err)
		said, err := io.ReadAll(resp.Body)
		must(err)
		if resp.StatusCode != http.StatusOK {
			said = nil
		}
		fmt.Printf("%d %s\n", resp.StatusCode, said)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

// TestClientsSnippets builds a program of what docs/clients.md has for apps and for servers, and runs it: signed calls
// get in, and others do not.
func TestClientsSnippets(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "snippets")
	r := plays(t, "docs/clients.md", shared, map[string]string{"tenants/acme/": "tenants/" + tenant + "/"})
	shared.caller(t, tenant+"-admin").must("POST", "apikeys/my/external/roles/billing", nil)
	app := r.filled("client.FromEnv")
	r.writes(
		"main.go",
		strings.NewReplacer("{APP}", app, "{SERVER}", r.filled("middleware.New")).Replace(aroundSnippets),
	)
	r.writes("gateway.token", shared.caller(t, "gateway").token)
	program := filepath.Join(r.dir, "snippets")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, filepath.Join(r.dir, "main.go"))
	build.Dir = testdoc.Root(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	r.holds(r.shell(tenant+"-app", "./snippets gateway.token"), "200", tenant, "401")
}
