// Command walls breaks one check of the engine at a time, and expects its tests to notice: a check that can be taken away
// unseen is not tested. The tree itself is left alone; the compiler gets the broken file in the place of the whole one.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// wall is a check, how to take it away, and the tests that have to fail then.
type wall struct {
	name     string
	file     string
	old, new string // a text that is in the file once, and what takes its place
	in       string // the package of the tests
	tests    string // their names, with | between them
}

func main() {
	only := flag.String("only", "", "break only walls whose names, or packages of tests, match this expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "walls:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, out io.Writer) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "walls-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	if err := whole(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "whole: green (%.0f s)\n", time.Since(began).Seconds())
	if err := breakAll(ctx, dir, chosen, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d walls broken, each was noticed (%.0f s)\n", len(chosen), time.Since(began).Seconds())
	return nil
}

func choose(only string) ([]wall, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	chosen := slices.Clone(walls)
	chosen = slices.DeleteFunc(chosen, func(w wall) bool { return !pattern.MatchString(w.name + " " + w.in) })
	if len(chosen) == 0 {
		return nil, errors.New("there is no such wall")
	}
	return chosen, nil
}

// whole runs the tests of all walls on the tree as it is: what is red anyway proves nothing.
func whole(ctx context.Context, chosen []wall) error {
	tests := map[string][]string{}
	for _, w := range chosen {
		tests[w.in] = append(tests[w.in], w.tests)
	}
	for in, names := range tests {
		output, err := test(ctx, in, strings.Join(names, "|"), "-v")
		if err != nil {
			return fmt.Errorf("with nothing broken, %s is red:\n%s", in, output)
		}
		for _, name := range strings.Split(strings.Join(names, "|"), "|") {
			if !strings.Contains(output, "--- PASS: "+name+" ") {
				return fmt.Errorf("%s has no %s", in, name)
			}
		}
	}
	return nil
}

// breakAll breaks the walls, two at a time, since a linker keeps one core busy.
func breakAll(ctx context.Context, dir string, chosen []wall, out io.Writer) error {
	var workers sync.WaitGroup
	var saying sync.Mutex
	unnoticed, queue := 0, make(chan int)
	for range 2 {
		workers.Go(func() {
			for i := range queue {
				by, err := chosen[i].breakDown(ctx, filepath.Join(dir, strconv.Itoa(i)))
				saying.Lock()
				if err != nil {
					unnoticed++
					fmt.Fprintf(out, "%s: %v\n", chosen[i].name, err)
				} else {
					fmt.Fprintf(out, "%s: noticed by %s\n", chosen[i].name, by)
				}
				saying.Unlock()
			}
		})
	}
	for i := range chosen {
		queue <- i
	}
	close(queue)
	workers.Wait()
	if unnoticed > 0 {
		return fmt.Errorf("%d broken walls were not noticed", unnoticed)
	}
	return ctx.Err()
}

var failed = regexp.MustCompile(`--- FAIL: (\w+)`)

// breakDown returns the first test that notices that the wall is broken.
func (w wall) breakDown(ctx context.Context, scratch string) (by string, err error) {
	overlay, err := w.overlay(scratch)
	if err != nil {
		return "", err
	}
	output, err := test(ctx, w.in, w.tests, "-failfast", "-overlay="+overlay)
	found := failed.FindStringSubmatch(output)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", fmt.Errorf("broken, and %s of %s is green", w.tests, w.in)
	case found == nil:
		return "", fmt.Errorf("it does not even run:\n%s", output)
	default:
		return found[1], nil
	}
}

// overlay writes the broken file, and what tells the compiler to take it for the whole one.
func (w wall) overlay(scratch string) (string, error) {
	content, err := os.ReadFile(w.file)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(content, []byte(w.old)); n != 1 {
		return "", fmt.Errorf("%s has this %d times, not once: %q", w.file, n, w.old)
	}
	broken, overlay := scratch+".go", scratch+".json"
	if err := os.WriteFile(broken, bytes.Replace(content, []byte(w.old), []byte(w.new), 1), 0o600); err != nil {
		return "", err
	}
	whole, err := filepath.Abs(w.file)
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{whole: broken}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// test runs tests of a package, and returns what they say.
func test(ctx context.Context, in, tests string, flags ...string) (string, error) {
	args := append([]string{"test", "-count=1", "-vet=off", "-ldflags=-s -w", "-run=^(" + tests + ")$"}, flags...)
	output, err := exec.CommandContext(ctx, "go", append(args, in)...).CombinedOutput()
	return string(output), err
}
