#!/usr/bin/env bash
# Attacks the plugin on the server named by VAULT_BIN, or on the one that `make server` builds, for MINUTES.
set -euo pipefail
export MINUTES=${MINUTES:-10}

if [[ -z ${VAULT_BIN:-} ]]; then
	make -s server
	VAULT_BIN=$PWD/build/server/vault
fi
unset BAO_BIN
VAULT_BIN=$(realpath "$(command -v "$VAULT_BIN")") # The test runs in a directory of its own.
export VAULT_BIN
PLUGIN_VERSION=v$VERSION go test -tags hostile -count=1 -v -timeout "$((5 + MINUTES))m" ./test/hostile/
