// Command circles counts, in each package of the product, the files that use each other's declarations in a circle:
// none of them can be read, tested or taken out alone. It fails where a circle has grown beyond what allowed.txt lets
// it have, and says where that can be lowered:
//
//	go run ./scripts/circles       what is not as the table says
//	go run ./scripts/circles -l    also each circle, and by what each of its files uses the others
//
// Packages themselves cannot use each other in a circle, as Go refuses that. Their folders could, so these are counted
// too, under the name folders.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// product names the packages that are counted: what is delivered, without tests and tools.
var product = []string{"./backend/...", "./client/...", "./cmd/...", "./internal/...", "./paths/...", "./signing/..."}

// table has the largest circle that each package may have. One that it does not name may have none.
//
//go:embed allowed.txt
var table string

func main() {
	list := flag.Bool("l", false, "list each circle, and by what its files use each other")
	flag.Parse()
	if err := run(*list, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "circles:", err)
		os.Exit(1)
	}
}

func run(list bool, out io.Writer) error {
	allowed, err := parse(table)
	if err != nil {
		return err
	}
	graphs, err := load(".", product)
	if err != nil {
		return err
	}
	if list {
		for _, name := range slices.Sorted(maps.Keys(graphs)) {
			describe(out, name, graphs[name])
		}
	}
	return compare(out, graphs, allowed)
}

// parse reads the table: a name and a number in each line, and comments behind #.
func parse(table string) (map[string]int, error) {
	allowed := map[string]int{}
	for line := range strings.Lines(table) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var name string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d\n", &name, &n); err != nil || n < 2 {
			return nil, fmt.Errorf("allowed.txt: %q is no name with a number from 2", strings.TrimSpace(line))
		}
		if allowed[name] != 0 {
			return nil, fmt.Errorf("allowed.txt: %s is there twice", name)
		}
		allowed[name] = n
	}
	return allowed, nil
}

// compare holds the largest circle of each package against the table. It is an error when one is larger, or when the
// table has a package that is not there.
func compare(out io.Writer, graphs map[string]graph, allowed map[string]int) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(graphs)) {
		largest := 0
		circles := graphs[name].circles()
		for _, circle := range circles {
			largest = max(largest, len(circle))
		}
		switch {
		case largest > allowed[name]:
			wrong = append(wrong, fmt.Errorf(
				"%s has a circle of %d, and %d are allowed: go run ./scripts/circles -l shows it",
				name, largest, allowed[name]))
		case largest < allowed[name]:
			fmt.Fprintf(out, "circles: %s has no circle of more than %d: lower its %d in allowed.txt\n",
				name, largest, allowed[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		if graphs[name] == nil {
			wrong = append(wrong, fmt.Errorf("there is no %s, which allowed.txt names", name))
		}
	}
	return errors.Join(wrong...)
}

// describe prints the circles of a package, and for each pair of files a name that leads from one to the other.
func describe(out io.Writer, name string, g graph) {
	for _, circle := range g.circles() {
		fmt.Fprintf(out, "%s: %d in a circle\n", name, len(circle))
		for _, from := range circle {
			var uses []string
			for _, to := range circle {
				if by, ok := g[from][to]; ok {
					uses = append(uses, to+" by "+by)
				}
			}
			fmt.Fprintf(out, "\t%s uses %s\n", from, strings.Join(uses, ", "))
		}
	}
}
