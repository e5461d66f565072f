#!/usr/bin/env bash
# Lints the tree, after making sure that the linter reads our configuration at all and that no Go file is too long.
set -euo pipefail
linter=build/tools/golangci-lint
longest=300

config=$("$linter" config path 2>&1) # It prints the path on standard error.
if [[ $config != .golangci.yml && $config != "$PWD/.golangci.yml" ]]; then
	echo "lint: the linter reads '$config', not .golangci.yml" >&2
	exit 1
fi

toolong=$(find . -name '*.go' -not -path './build/*' \
	-exec awk -v longest="$longest" 'FNR == longest + 1 { print FILENAME }' {} +)
if [[ -n $toolong ]]; then
	printf 'lint: over %s lines: %s\n' "$longest" "$toolong" >&2
	exit 1
fi

"$linter" run --allow-parallel-runners ./...
