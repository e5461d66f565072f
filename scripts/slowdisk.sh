#!/usr/bin/env bash
# Runs the test of a slow disk on the server named by VAULT_BIN, or on the one that `make server` builds: CHANGES
# changes of each kind. PLUGIN names another build of the plugin.
set -euo pipefail

if [[ -z ${VAULT_BIN:-} ]]; then
	make -s server
	VAULT_BIN=$PWD/build/server/vault
fi
unset BAO_BIN
VAULT_BIN=$(realpath "$(command -v "$VAULT_BIN")") # The test runs in a directory of its own.
export VAULT_BIN
if ! command -v strace >/dev/null; then
	echo "strace is missing, which slows the disk: apt-get install strace" >&2
	exit 1
fi
PLUGIN_VERSION=v$VERSION go test -tags slowdisk -count=1 -v -timeout 15m ./test/slowdisk/
