//go:build acceptance

package acceptance

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestReleaseInstall installs a release as docs/release.md says, over the version that runs. The binary is what
// `make build` makes, under a release's name.
func TestReleaseInstall(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	r := plays(t, "docs/release.md", w, map[string]string{"/etc/vault.d/plugins": filepath.Join(w.Dir, "plugins")})
	given := r.dir
	r.dir = checkout(t)
	r.shell("nobody", "make build VERSION=1.2.3 && "+
		"cp build/vault-plugin-secrets-apikeys "+given+"/vault-plugin-secrets-apikeys_1.2.3_linux_amd64")
	r.dir = given
	r.shell(
		"nobody",
		"for other in isolation_1.2.3_linux_amd64 vault-plugin-secrets-apikeys_1.2.3_linux_amd64.cdx.json; "+
			"do echo other >$other; done; sha256sum -- *_* >SHA256SUMS",
	)

	if listed := r.runs("root", "vault plugin register"); !strings.Contains(listed, "v1.2.3") {
		t.Errorf("it is not listed:\n%s", listed)
	}
	r.shell("root", "vault secrets tune -plugin-version=$VERSION apikeys && "+
		"vault plugin reload -plugin=vault-plugin-secrets-apikeys -scope=global")
	r.holds(r.runs("root", "apikeys/status"), "v1.2.3")
}
