//go:build !race

// The race detector sees nothing of what scripts do, and these build the standard library anew.

package shell

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// lists stands for the tool that writes bills of materials. What it writes depends on the binary, and on the variable
// CHANCE.
const lists = `#!/usr/bin/env bash
while [[ $1 != -output ]]; do shift; done
{ sha256sum <"$3" && echo "${CHANCE:+$RANDOM$RANDOM}"; } >"$2"
`

// repository makes one with a plugin that says its version, and nothing else, but with our Makefile.
func repository(t *testing.T) folder {
	t.Helper()
	f := made(t)
	f.copies("Makefile", ".gitignore", "scripts/release.sh", "scripts/tools/sbom/go.mod", "scripts/tools/sbom/go.sum")
	f.write("go.mod", "module vault-plugin-secrets-apikeys\n\ngo 1.26\n", 0o600)
	f.write("backend/backend.go", "package backend\n\nvar Version = \"none\"\n", 0o600)
	f.write("cmd/vault-plugin-secrets-apikeys/main.go", "package main\n\n"+
		"import \"vault-plugin-secrets-apikeys/backend\"\n\nfunc main() { println(backend.Version) }\n", 0o600)
	f.write("cmd/isolation/main.go", "package main\n\nfunc main() {}\n", 0o600)
	for _, name := range []string{"paths", "internal", "signing"} { // which the Makefile looks through
		f.write(name+"/"+name+".go", "package "+name+"\n", 0o600)
	}
	f.write("CHANGELOG.md", "## [1.2.3] - 2026-01-01\n", 0o600)
	f.types(`git init -q && git config user.name nobody && git config user.email nobody@example.com &&
		git add -A && git commit -qm "A release"`)
	f.write("build/tools/cyclonedx-gomod", lists, 0o700)
	return f
}

// TestReleaseDocument goes through what docs/release.md says to type, as who makes a release and as who checks it.
func TestReleaseDocument(t *testing.T) {
	t.Parallel()
	r := testdoc.Open(t, "docs/release.md")
	maker := repository(t)
	maker.types(r.Next("git tag").Text)
	if said := maker.types(r.Next("make release").Text); strings.Contains(said, " yet") {
		t.Errorf("with its tag and its section of the changelog:\n%s", said)
	}
	if said := maker.types(r.Next("release-check").Text); !strings.Contains(said, "and as build/release/1.2.3") {
		t.Errorf("the check says\n%s", said)
	}

	given := folder{t, filepath.Join(maker.dir, "build/release/1.2.3")}
	want := "SHA256SUMS\n"
	for _, file := range []string{"isolation_1.2.3_linux_", "vault-plugin-secrets-apikeys_1.2.3_linux_"} {
		for _, arch := range []string{"amd64", "arm64"} {
			want += file + arch + "\n" + file + arch + ".cdx.json\n"
		}
	}
	if diff := cmp.Diff(want, given.types("LC_ALL=C ls")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	said := given.types(r.Next("sha256sum -c").Text)
	if strings.Count(said, ": OK\n") != 8 || !strings.Contains(said, "go1.") {
		t.Errorf("the files are said to be\n%s", said)
	}
	if said := given.types("./vault-plugin-secrets-apikeys_1.2.3_linux_$(go env GOARCH)"); said != "v1.2.3\n" {
		t.Errorf("the plugin says that it is %q", said)
	}

	user := made(t)
	user.types("git clone -q " + maker.dir + " .")
	user.write("build/tools/cyclonedx-gomod", lists, 0o700)
	user.types(r.Next("git checkout").Text)
	if said := user.types(r.Next("diff").Text, "GIVEN="+given.dir); said != "" {
		t.Errorf("the user's differs:\n%s", said)
	}
}

func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	f := repository(t)
	for _, test := range []struct{ command, says string }{
		{"make release", "release: VERSION is missing"},
		{"make release VERSION=", "release: VERSION is missing"},
		{"VERSION=1.2.3 make release", "release: VERSION is missing"},
		{"make release-check", "release: VERSION is missing"},
		{"make release VERSION=v1.2.3", "release: 'v1.2.3' is no version"},
		{"make release VERSION=1.2", "release: '1.2' is no version"},
		{"make release VERSION=1.2.03", "release: '1.2.03' is no version"},
		{"make release VERSION=1.2.3-rc1", "release: '1.2.3-rc1' is no version"},
		{"make release VERSION=../1.2.3", "release: '../1.2.3' is no version"},
		{`make release VERSION='1.2.3"; touch there; "'`, "is no version"},
		{"touch there && make release VERSION=1.2.3", "release: there is what is not committed"},
		{"rm there && echo >> CHANGELOG.md && make release VERSION=1.2.3", "release: there is what is not committed"},
		{
			"git checkout -q . && git tag v1.2.4 && git commit -q --allow-empty -m more && make release VERSION=1.2.4",
			"v1.2.4 is the tag of another commit",
		},
		{"CHANCE=1 make release-check VERSION=1.2.3", "release: the two builds differ"},
		{"make release-check VERSION=1.2.3", "release: build/release/1.2.3 is not what"},
	} {
		if strings.HasPrefix(test.says, "release: build/") {
			f.write("build/release/1.2.3/SHA256SUMS", "", 0o600)
		}
		f.refuses(test.command, test.says)
	}
	f.types("[[ ! -e there && ! -e build/release/1.2.4 && -z $(git status --porcelain) ]]")
}
