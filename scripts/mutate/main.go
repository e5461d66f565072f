// Command mutate breaks one check of the engine at a time, and expects its tests to notice: a check that can be taken
// away unseen is not tested. The tree itself is left alone: the compiler gets files in which each check can be broken
// in the place of those without, once for all checks, and the environment of each run of the tests names the one that
// is.
//
// The checks are marked where they are, in the line above or at the end of the line, and in lines that go on with more:
//
//	//mutate:false:2 "another tenant's keys" ./paths TestTenantsAreApart|
//	//mutate:more TestWhoMayGoWhere
//	if k == nil || k.UID != t.UID {
//
// A marker is about the outermost statement, or case, that begins in its line. It names an operation, which operand it
// is done to, the wall in plain words, the package of the tests where that is another than its own, and the tests.
// Operations:
//
//	false, true, negate  a condition: of an if, for or case, or what is returned or assigned
//	zero                 a value: what is returned or assigned, or an argument
//	skip                 a statement; with a number, one value of an assignment of several
//	instead => GO        a value or a statement, in whose place this is
//	before => GO         a statement that comes before
//
// Operands have numbers: of a chain such as a || b || c, the expressions of a case, results, arguments or elements; 2.1
// is the first operand of the second, and those of what an if assigns before its condition begin with 0. Brackets and !
// do not count. What a condition computes is computed also where it is broken, and so are both values of instead: only
// what a return would have done for a result that is zero is not done.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"
)

func main() {
	only := flag.String("only", "", "break only walls whose names, files or packages of tests match this expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, ".", quoted(), *only, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, quoted []*wall, only string, out io.Writer) error {
	began := time.Now()
	t, err := load(root, quoted)
	if err != nil {
		return err
	}
	chosen, err := choose(t.walls, only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{tree: t, dir: dir, out: out}
	if err := b.compile(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "compiled (%.0f s)\n", time.Since(began).Seconds())
	if err := b.whole(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "whole: green (%.0f s)\n", time.Since(began).Seconds())
	if err := b.breakAll(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d walls broken, each was noticed (%.0f s)\n", len(chosen), time.Since(began).Seconds())
	return nil
}

func choose(all []*wall, only string) ([]*wall, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	chosen := slices.Clone(all)
	chosen = slices.DeleteFunc(chosen, func(w *wall) bool {
		return !slices.ContainsFunc([]string{w.name, w.file, w.in}, pattern.MatchString)
	})
	if len(chosen) == 0 {
		return nil, errors.New("there is no such wall")
	}
	return chosen, nil
}
