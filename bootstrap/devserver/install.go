package devserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hashicorp/vault/api"
)

// ErrNoPolicies says that there are no policies to load.
var ErrNoPolicies = errors.New("the script made no policies to load")

// Plugin is a secrets engine to register and mount.
type Plugin struct {
	File    string   // its binary; the name of the file is that of the plugin
	Version string   // as v0.1.0; empty for the one it reports itself
	Mount   string   // as apikeys
	Env     []string // of its process, as NAME=VALUE, besides the server's
}

// Install registers the plugin by the sum of its binary, and mounts it. The binary is copied first: it may be built
// anew while the server runs, and the server refuses a binary whose sum has changed.
func (s *Server) Install(ctx context.Context, plugin Plugin) error {
	binary, err := os.ReadFile(plugin.File)
	if err != nil {
		return err
	}
	if err := s.place(plugin, binary); err != nil {
		return err
	}
	return s.mount(ctx, plugin, binary)
}

// place puts the plugin's binary where the server looks for it.
func (s *Server) place(plugin Plugin, binary []byte) error {
	//nolint:gosec // G306: the server has to execute it.
	return os.WriteFile(filepath.Join(s.pluginDir(), filepath.Base(plugin.File)), binary, 0o700)
}

// mount registers and mounts a plugin whose binary is in its place.
func (s *Server) mount(ctx context.Context, plugin Plugin, binary []byte) error {
	name, sum := filepath.Base(plugin.File), sha256.Sum256(binary)
	err := s.Root().Sys().RegisterPluginWithContext(ctx, &api.RegisterPluginInput{
		Name: name, Type: api.PluginTypeSecrets, Version: plugin.Version,
		Command: name, SHA256: hex.EncodeToString(sum[:]), Env: plugin.Env,
	})
	if err != nil {
		return err
	}
	return s.Root().Sys().MountWithContext(ctx, plugin.Mount, &api.MountInput{
		Type: name, Config: api.MountConfigInput{PluginVersion: plugin.Version},
	})
}

// LoadPolicies loads the policies that the script, scripts/policies.sh, makes for the mount, under the names it makes
// with the prefix. They go through one client, as starting the server's CLI for each takes long.
func (s *Server) LoadPolicies(ctx context.Context, script, mount, prefix string) error {
	dir, err := os.MkdirTemp("", "policies-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, script, "-m", mount, "-p", prefix, "-o", dir)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", script, err, output)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return ErrNoPolicies
	}
	for _, file := range files {
		rules, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".hcl")
		if err := s.Root().Sys().PutPolicyWithContext(ctx, name, string(rules)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// EnableAudit has every request and answer logged in [Server.AuditFile], with strings as HMACs, as in production.
func (s *Server) EnableAudit(ctx context.Context) error {
	return s.Root().Sys().EnableAuditWithOptionsWithContext(ctx, "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": s.AuditFile(), "log_raw": "false"},
	})
}
