#!/usr/bin/env bash
# Starts a development server and walks through the tour; on a terminal it waits after each step, unless TOUR=all, and
# stays up afterwards.
set -euo pipefail

if [[ -z ${VAULT_BIN:-}${BAO_BIN:-} ]] && ! command -v vault >/dev/null && ! command -v bao >/dev/null; then
	if ! make -sq server; then
		echo "No VAULT_BIN, and neither vault nor bao on PATH: building a server, once. This takes some minutes."
		make -s server
	fi
fi
go build -o build/bin/ ./bootstrap/dev ./bootstrap/tour/sign

args=(-version "v$VERSION" -sign build/bin/sign)
if [[ -t 0 && -t 1 ]]; then
	args+=(-stay -pause)
fi
exec build/bin/dev "${args[@]}"
