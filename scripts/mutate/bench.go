package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// longest is how long the tests of one wall may take. A broken check that makes them hang longer has to be noticed
// otherwise.
const longest = "3m"

// bench runs the tests of walls.
type bench struct {
	tree *tree
	dir  string // for what is written
	out  io.Writer
}

func (b *bench) binary(in string) string { return filepath.Join(b.dir, path.Base(in)+".test") }

// packages are those of the tests, each once.
func packages(chosen []*wall) []string {
	var all []string
	for _, w := range chosen {
		all = append(all, w.in)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// compile makes one test binary for each package of tests, in which every check that is marked can be broken.
func (b *bench) compile(ctx context.Context, chosen []*wall) error {
	overlay, err := b.tree.overlay(filepath.Join(b.dir, "all"), nil)
	if err != nil {
		return err
	}
	args := []string{
		"test",
		"-c",
		"-vet=off",
		"-ldflags=-s -w",
		"-overlay=" + overlay,
		"-o",
		b.dir + string(filepath.Separator),
	}
	output, err := b.command(ctx, b.tree.root, "", "go", append(args, packages(chosen)...)...)
	if err != nil {
		return fmt.Errorf("with the operations of its markers the tree does not compile:\n%s", output)
	}
	return ctx.Err()
}

// whole runs the tests of all walls with nothing broken: what is red anyway proves nothing.
func (b *bench) whole(ctx context.Context, chosen []*wall) error {
	var wrong []error
	tests := make(map[string][]string)
	for _, w := range chosen {
		tests[w.in] = append(tests[w.in], strings.Split(w.tests, "|")...)
	}
	b.twoAtATime(len(packages(chosen)), func(i int) func() {
		in := packages(chosen)[i]
		output, err := b.test(ctx, in, "", strings.Join(tests[in], "|"), "-test.v")
		return func() {
			if err != nil {
				wrong = append(wrong, fmt.Errorf("with nothing broken, %s is red:\n%s", in, output))
				return
			}
			for _, name := range tests[in] {
				if !strings.Contains(output, "--- PASS: "+name+" ") {
					wrong = append(wrong, fmt.Errorf("%s has not run %s", in, name))
				}
			}
		}
	})
	return cmp.Or(ctx.Err(), errors.Join(wrong...))
}

// breakAll breaks the walls.
func (b *bench) breakAll(ctx context.Context, chosen []*wall) error {
	unnoticed := 0
	b.twoAtATime(len(chosen), func(i int) func() {
		w, began := chosen[i], time.Now()
		by, err := b.breakDown(ctx, w)
		return func() {
			if err != nil {
				unnoticed++
				fmt.Fprintf(b.out, "%s: %s: %v\n", w.at(), w.name, err)
				return
			}
			fmt.Fprintf(b.out, "%s: noticed by %s (%.1f s)\n", w.name, by, time.Since(began).Seconds())
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if unnoticed > 0 {
		return fmt.Errorf("%d broken walls were not noticed", unnoticed)
	}
	return nil
}

// twoAtATime does things, and after each, one at a time, what that returns.
func (b *bench) twoAtATime(n int, do func(i int) func()) {
	var workers sync.WaitGroup
	var saying sync.Mutex
	queue := make(chan int)
	for range 2 {
		workers.Go(func() {
			for i := range queue {
				then := do(i)
				saying.Lock()
				then()
				saying.Unlock()
			}
		})
	}
	for i := range n {
		queue <- i
	}
	close(queue)
	workers.Wait()
}

var failed = regexp.MustCompile(`--- FAIL: (\w+)`)

// breakDown returns the first test that notices that the wall is broken.
func (b *bench) breakDown(ctx context.Context, w *wall) (by string, err error) {
	output, err := b.broken(ctx, w)
	found := failed.FindStringSubmatch(output)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", fmt.Errorf("broken, and %s of %s is green", w.tests, w.in)
	case found == nil:
		return "", fmt.Errorf("no test says that it has failed:\n%s", output)
	default:
		return found[1], nil
	}
}

func (b *bench) broken(ctx context.Context, w *wall) (string, error) {
	if w.op != "quote" {
		return b.test(ctx, w.in, w.name, w.tests, "-test.failfast")
	}
	overlay, err := b.tree.overlay(filepath.Join(b.dir, "quoted", w.name), w)
	if err != nil {
		return "", err
	}
	return b.command(
		ctx,
		b.tree.root,
		"",
		"go",
		"test",
		"-count=1",
		"-vet=off",
		"-failfast",
		"-ldflags=-s -w",
		"-overlay="+overlay,
		"-run=^("+w.tests+")$",
		w.in,
	)
}

// test runs tests of a package with a check broken, or none, and returns what they say.
func (b *bench) test(ctx context.Context, in, broken, tests, flag string) (string, error) {
	return b.command(ctx, filepath.Join(b.tree.root, in), broken, b.binary(in),
		"-test.run=^("+tests+")$", "-test.timeout="+longest, "-test.paniconexit0", flag)
}

// command runs a program in a folder, with a check broken, or none, and returns what it says.
func (b *bench) command(ctx context.Context, folder, broken, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = folder, 10*time.Second // for what tests have started and left
	cmd.Env = append(os.Environ(), variable+"="+broken)
	output, err := cmd.CombinedOutput()
	return string(output), err
}
