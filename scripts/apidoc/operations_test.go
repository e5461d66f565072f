package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
)

// TestSettings checks that docs/operations.md has every setting of the mount with its default.
func TestSettings(t *testing.T) {
	config := &logical.BackendConfig{System: logical.TestSystemView(), StorageView: new(logical.InmemStorage)}
	b, err := backend.Factory(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.HandleRequest(t.Context(), &logical.Request{
		Operation: logical.ReadOperation, Path: "config", Storage: config.StorageView,
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(answer.Data, "revision")
	delete(answer.Data, "effective") // follows from the settings
	want, got := map[string]string{}, map[string]string{}
	for name, value := range answer.Data {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = strings.Trim(string(text), `"`)
	}
	for _, row := range table(t, read(t, root+"docs/operations.md"), "## Settings") {
		for _, name := range spans(row[0]) {
			got[name] = inSeconds(row[1])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-engine +docs/operations.md):\n%s", diff)
	}
}

// inSeconds turns 90d or 10m into seconds, and leaves anything else as it is.
func inSeconds(text string) string {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			return strconv.Itoa(n * 24 * 60 * 60)
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return strconv.Itoa(int(d.Seconds()))
	}
	return text
}

var joined = regexp.MustCompile(`"\s*\+\s*"`)

// sources returns all code of the engine, with texts that span lines in one piece.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"paths", "internal", "backend"} {
		tree := os.DirFS(root + folder)
		err := fs.WalkDir(tree, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := fs.ReadFile(tree, path)
			all.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(joined.ReplaceAllString(all.String(), ""), `\"`, `"`)
}

// TestErrorTexts checks that the engine says what docs/operations.md says it does.
func TestErrorTexts(t *testing.T) {
	code := sources(t)
	for _, row := range table(t, read(t, root+"docs/operations.md"), "### What the engine says") {
		for _, text := range spans(row[0]) {
			for _, part := range strings.Split(text, "…") {
				if !strings.Contains(code, strings.TrimSpace(part)) {
					t.Errorf("%s: nothing says %q", text, part)
				}
			}
		}
	}
}
