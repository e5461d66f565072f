#!/usr/bin/env bash
# Runs the acceptance tests on each server named by VAULT_BIN and BAO_BIN, or on the one that `make server` builds.
set -euo pipefail

if ! command -v jq >/dev/null && [[ $(id -u) == 0 ]]; then
	apt-get install -y -qq jq >/dev/null 2>&1 || true # as far as one may
fi
if ! command -v jq >/dev/null; then
	echo "accept: jq is missing, which a documented command needs: apt-get install -y jq" >&2
	exit 1
fi

servers=()
[[ -n ${VAULT_BIN:-} ]] && servers+=("$VAULT_BIN")
[[ -n ${BAO_BIN:-} ]] && servers+=("$BAO_BIN")
if ((${#servers[@]} == 0)); then
	make -s server
	servers=("$PWD/build/server/vault")
fi
unset BAO_BIN

for server in "${servers[@]}"; do
	server=$(realpath "$(command -v "$server")") # The tests run in a directory of their own.
	echo "acceptance on $("$server" version)"
	VAULT_BIN=$server PLUGIN_VERSION=v$VERSION \
		go run ./scripts/gotest -tags acceptance -count=1 -timeout 20m ./test/acceptance/
done
