#!/usr/bin/env bash
# Measures sweeps on the server named by VAULT_BIN, or on the one that `make server` builds: those tests whose names
# match ONLY, with KEYS that rotate and ERASED that are erased, and ROUNDS disturbances of each kind. PLUGIN names
# another build of the plugin.
set -euo pipefail
only=${ONLY:-.}

if [[ -z ${VAULT_BIN:-} ]]; then
	make -s server
	VAULT_BIN=$PWD/build/server/vault
fi
unset BAO_BIN
VAULT_BIN=$(realpath "$(command -v "$VAULT_BIN")") # The test runs in a directory of its own.
export VAULT_BIN
PLUGIN_VERSION=v$VERSION go test -tags sweepload -count=1 -v -run "$only" -timeout 60m ./test/sweepload/
