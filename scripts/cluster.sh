#!/usr/bin/env bash
# Runs the cluster test on the server named by VAULT_BIN, or on the one that `make server` builds: ROUNDS leaders are
# killed. Each leads for about 77 s; what comes before the first and after the last is given some minutes.
set -euo pipefail
rounds=${ROUNDS:-2}

if [[ -z ${VAULT_BIN:-} ]]; then
	make -s server
	VAULT_BIN=$PWD/build/server/vault
fi
unset BAO_BIN
VAULT_BIN=$(realpath "$(command -v "$VAULT_BIN")") # The test runs in a directory of its own.
export VAULT_BIN

echo "cluster of $("$VAULT_BIN" version), $rounds leaders to be killed"
PLUGIN_VERSION=v$VERSION ROUNDS=$rounds \
	go run ./scripts/gotest -tags cluster -count=1 -timeout "$((8 + 3 * rounds))m" ./test/cluster/
cat build/cluster/summary
