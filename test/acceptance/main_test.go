//go:build acceptance

package acceptance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
)

// shared is the server that all tests share which need none of their own.
var shared *world

func TestMain(m *testing.M) { os.Exit(run(m)) }

// atOnce is how many tests run together, on however few processors: many of them wait for a server.
const atOnce = "8"

func run(m *testing.M) (code int) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var err error
	if shared, err = newWorld(context.Background(), false); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	code = m.Run()
	if err := shared.sound(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}
