#!/usr/bin/env bash
# Runs every check there is. The server and the linter take minutes to build, so both start first, in the background.
set -euo pipefail

logs=build/test
mkdir -p "$logs"
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

begin() { # begin TARGET: make it in the background
	nice make -s "$1" >"$logs/$1.log" 2>&1 &
}

finish() { # finish TARGET PID: wait for it, and show what it said when it went wrong
	if ! wait "$2"; then
		cat "$logs/$1.log" >&2
		echo "test: make $1 went wrong" >&2
		exit 1
	fi
}

step() { # step NAME COMMAND...: run it under a heading
	echo "== $1 (${SECONDS} s)"
	shift
	"$@"
}

begin linter
linter=$!
server=
if [[ -z ${VAULT_BIN:-}${BAO_BIN:-} ]]; then
	begin server
	server=$!
fi

step unit make -s unit
step race make -s race
step walls make -s walls
step fuzz make -s fuzz FUZZTIME=3s
finish linter "$linter"
step lint make -s lint
step interop make -s interop
if [[ -n $server ]]; then
	finish server "$server"
fi
step acceptance make -s accept
step cluster make -s cluster
echo "== done (${SECONDS} s)"
