//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// request is what peer.mjs takes: one line of JSON.
type request struct {
	Op      string              `json:"op"` // "sign" or "verify"
	Method  string              `json:"method"`
	URL     string              `json:"url"`
	Headers map[string][]string `json:"headers"`
	Key     []byte              `json:"key"`
	KeyID   string              `json:"keyid"`
	Label   string              `json:"label,omitempty"`
	Fields  []string            `json:"fields,omitempty"` // components, by name
	Params  []string            `json:"params,omitempty"` // names of parameters, in their order
	Values  map[string]any      `json:"values,omitempty"` // of the parameters; times in Unix seconds
}

type answer struct {
	Headers map[string]any // strings, and lists of them
	Valid   bool
	Error   string
}

// peer is one process of Node, which answers a line for each line.
type peer struct {
	in  io.Writer
	out *json.Decoder
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	path := os.Getenv("INTEROP_PEER")
	if path == "" {
		t.Fatal("INTEROP_PEER names no peer.mjs beside its modules; run scripts/interop.sh")
	}
	cmd := exec.Command("node", path) // ends with its input
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	return &peer{in: in, out: json.NewDecoder(bufio.NewReader(out))}
}

func (p *peer) ask(t *testing.T, r request) answer {
	t.Helper()
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := p.out.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}
