#!/usr/bin/env bash
# Runs every fuzz target in the tree for FUZZTIME each, and fails when there is none to run.
set -euo pipefail
fuzztime=${FUZZTIME:-10s}

listing=$(go test -list '^Fuzz' ./...)
found=0
targets=()
while read -r word package _; do
	case $word in
	Fuzz*) targets+=("$word") ;;
	ok)
		for target in "${targets[@]}"; do
			echo "fuzz: $package $target for $fuzztime"
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$package" | grep -v '^fuzz: elapsed'
			found=$((found + 1))
		done
		targets=()
		;;
	esac
done <<<"$listing"

if ((found == 0)); then
	echo "fuzz: no fuzz target found" >&2
	exit 1
fi
