package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// TestPort checks which texts are ports.
func TestPort(t *testing.T) {
	for text, want := range map[string]int{
		"": 8200, "8300": 8300, "65535": 65535, "0": 0, "65536": 0, "-1": 0, "a": 0, "82 00": 0,
	} {
		t.Setenv("VAULT_PORT", text)
		got, err := port()
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
}

// TestTourAll checks what TOUR may say, and that anything else is no way to have pauses by mistake.
func TestTourAll(t *testing.T) {
	for _, test := range []struct {
		text string
		all  bool
		err  string
	}{
		{"", false, ""},
		{"all", true, ""},
		{"ALL", false, `TOUR "ALL" is unknown`},
		{"1", false, `TOUR "1" is unknown`},
	} {
		t.Setenv("TOUR", test.text)
		all, err := tourAll()
		if all != test.all || (err != nil) != (test.err != "") ||
			err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: got %t, %v", test.text, all, err)
		}
	}
}

// TestClaim checks that servers of two ports have a folder each, and those of one port never share it.
func TestClaim(t *testing.T) {
	root := filepath.Join(t.TempDir(), "build", "dev")
	first, err := claim(root, 8200)
	if err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(first.dir, "spa.token")
	if err := os.WriteFile(token, []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := claim(root, 8300)
	if err != nil || second.dir == first.dir {
		t.Fatalf("got %v, %v beside %s", second, err, first.dir)
	}
	if _, err := claim(root, 8200); !errors.Is(err, devserver.ErrPortTaken) {
		t.Errorf("got %v, want %v", err, devserver.ErrPortTaken)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(token); err != nil {
		t.Errorf("what others do takes the first server's token: %v", err)
	}

	// A server that was killed lets go of its folder without removing it.
	if err := first.lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := claim(root, 8200)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(again.dir); err != nil || len(left) > 0 {
		t.Errorf("it finds %v, %v", left, err)
	}
	if err := again.release(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(root, "*")); err != nil ||
		!slices.Equal(left, []string{first.dir + ".lock", second.dir + ".lock"}) {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestPortTaken checks that a port that some other program has is told, with what to do, and leaves no folder.
func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, number, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	t.Setenv("VAULT_PORT", number)
	t.Setenv("VAULT_BIN", "/bin/sh")
	var out strings.Builder
	err = run(t.Context(), options{state: state}, nil, &out)
	if !errors.Is(err, devserver.ErrPortTaken) || !strings.Contains(err.Error(), "set VAULT_PORT to another") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(state, number)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is left: %v", err)
	}
}

// TestFailedStart checks that a server that cannot run leaves no folder.
func TestFailedStart(t *testing.T) {
	state := t.TempDir()
	if _, _, err := start(t.Context(), "/bin/false", options{state: state, port: freePort(t)}); err == nil {
		t.Error("it runs")
	}
	if left, err := filepath.Glob(filepath.Join(state, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// TestInvite checks that what is proposed fits a terminal.
func TestInvite(t *testing.T) {
	for _, ended := range []bool{false, true} {
		var out strings.Builder
		invite(&out, "http://127.0.0.1:65535", "build/dev/65535", ended)
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
		if !strings.Contains(out.String(), "\n    . build/dev/65535/env\n") ||
			strings.Contains(out.String(), "is not there") != ended {
			t.Error(out.String())
		}
	}
}

// TestPrinter checks that whoever reads what is printed ends us with going away.
func TestPrinter(t *testing.T) {
	ctx, lost := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out := printer{write, lost}
	if _, err := out.Write([]byte("heard")); err != nil || ctx.Err() != nil {
		t.Errorf("got %v, %v while somebody reads", err, ctx.Err())
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("unheard")); err == nil || ctx.Err() == nil {
		t.Errorf("got %v, %v when nobody does", err, ctx.Err())
	}
}
