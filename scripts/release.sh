#!/usr/bin/env bash
# Builds what is given out as VERSION (1.2.3) from the commit that is checked out, into build/release/VERSION: for each
# target the plugin and the test of the separation, with a bill of materials for each, and the sums of all. With -c it
# builds them twice elsewhere, the second time without Go's cache, and compares every byte, also with what is there.
set -euo pipefail
export LC_ALL=C
tool=$PWD/build/tools/cyclonedx-gomod

fail() {
	echo "release: $1" >&2
	exit 1
}

check=
if [[ ${1:-} == -c ]]; then
	check=yes
	shift
fi
version=${1:-} number='(0|[1-9][0-9]*)'
[[ -n $version ]] || fail "VERSION is missing: make release VERSION=1.2.3"
[[ $version =~ ^$number\.$number\.$number$ ]] || fail "'$version' is no version: it has three numbers, as VERSION=1.2.3"

commit=$(git rev-parse HEAD)
[[ -z $(git status --porcelain) ]] || fail "there is what is not committed; git status shows it"
tagged=$(git rev-parse -q --verify "refs/tags/v$version^{commit}" || true)
[[ -z $tagged || $tagged == "$commit" ]] || fail "v$version is the tag of another commit, $tagged"
make -s "${tool#"$PWD/"}"

# What could make one's binary differ from another's is said here, and not left to what they have set.
export CGO_ENABLED=0 GOOS=linux GOAMD64=v1 GOARM64=v8.0 GOFIPS140=off GOFLAGS=-mod=readonly GOWORK=off

build() { # build DIR: build what is committed into DIR/out, from a copy of the source in DIR
	local to=$1/out command target file
	mkdir -p "$1/source" "$to"
	git archive "$commit" | tar -x -C "$1/source"
	for target in amd64 arm64; do
		export GOARCH=$target
		for command in cmd/vault-plugin-secrets-apikeys cmd/isolation; do
			file=${command##*/}_${version}_linux_$target
			go -C "$1/source" build -trimpath -buildvcs=false -o "$to/$file" \
				-ldflags "-s -w -X vault-plugin-secrets-apikeys/backend.Version=v$version" "./$command"
			"$tool" bin -json -noserial -notimestamp -std -version "v$version" -output "$to/$file.cdx.json" "$to/$file"
		done
	done
	(cd "$to" && sha256sum -- *_* >SHA256SUMS)
}

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
made=build/release/$version
build "$temp/one"
if [[ -n $check ]]; then
	[[ ! -e $made ]] || diff -r "$temp/one/out" "$made" >&2 || fail "$made is not what $commit builds"
	GOCACHE=$temp/cache build "$temp/other/place"
	diff -r "$temp/one/out" "$temp/other/place/out" >&2 || fail "the two builds differ"
	echo "release: v$version of $commit builds the same twice$([[ ! -e $made ]] || echo ", and as $made")"
	exit
fi

rm -rf "$made"
mkdir -p "${made%/*}"
mv "$temp/one/out" "$made"
echo "release: v$version of $commit is in $made"
[[ -n $tagged ]] || echo "release: no tag is v$version yet"
grep -qF "## [$version]" CHANGELOG.md || echo "release: CHANGELOG.md has no $version yet"
