#!/usr/bin/env bash
# Lints the tree, after making sure that the linter reads our configuration at all, that no Go file is too long, that no
# binary has got in, and that lines over 120 columns and circles of files have not grown.
set -euo pipefail
linter=build/tools/golangci-lint
longest=300
binaries='^$' # an expression for the paths of those that are to be there: none

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

tracked=$(git ls-files --eol)
binary=$(sed -n 's/^i\/-text[^\t]*\t//p' <<<"$tracked" | grep -v "$binaries" || true)
if [[ -n $binary ]]; then
	echo "lint: binary files are in the repository: ${binary//$'\n'/, }" >&2
	exit 1
fi

scripts/columns.sh
go run ./scripts/circles
"$linter" run --allow-parallel-runners ./...
