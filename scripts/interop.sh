#!/usr/bin/env bash
# Signs and verifies in both directions against npm http-message-signatures, which `npm ci` installs as its lock file
# pins it.
set -euo pipefail
from=test/interop
into=build/interop

mkdir -p "$into"
cp "$from/package.json" "$from/package-lock.json" "$from/peer.mjs" "$into/"
npm ci --prefix "$into" --ignore-scripts --no-audit --no-fund --silent

INTEROP_PEER=$(realpath "$into/peer.mjs") # The test runs in a directory of its own.
export INTEROP_PEER
echo "interop with http-message-signatures on node $(node --version)"
go run ./scripts/gotest -tags interop -count=1 -timeout 5m ./test/interop/
