package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// danger is a capability outside the engine that leads round the walls; docs/install.md has the table.
type danger struct {
	pattern string   // as in a policy: + is one segment, a final * is anything
	looking bool     // reading and listing it is enough
	why     string   // what it would let them do
	example []string // paths to ask about one by one, since not every server lists grants with a + in them
}

// dangers returns the dangers for a mount.
func dangers(mount string) []danger {
	const someone = "isolation-nobody"
	become := "log in as somebody of a tenant"
	return []danger{
		{"sys/policies/*", false, "write themselves any policy", []string{"sys/policies/acl/" + someone}},
		{"sys/policy/*", false, "write themselves any policy", []string{"sys/policy/" + someone}},
		{
			"auth/*",
			false,
			"make tokens with a tenant's policies, or " + become,
			[]string{
				"auth/token/create",
				"auth/token/create/" + someone,
				"auth/token/create-orphan",
				"auth/token/roles/" + someone,
				"auth/userpass/users/" + someone,
				"auth/approle/role/" + someone,
				"auth/approle/role/" + someone + "/secret-id",
				"auth/jwt/config",
				"auth/jwt/role/" + someone,
				"auth/oidc/config",
				"auth/oidc/role/" + someone,
			},
		},
		{"sys/auth/*", false, become, []string{"sys/auth/" + someone, "sys/auth/" + someone + "/tune"}},
		{
			"identity/*",
			false,
			"give themselves a tenant's metadata, group or policy",
			[]string{
				"identity/entity",
				"identity/entity/id/" + someone,
				"identity/entity/name/" + someone,
				"identity/entity/merge",
				"identity/entity-alias",
				"identity/group",
				"identity/group/name/" + someone,
				"identity/group-alias",
			},
		},
		{
			"sys/mounts/*", false, "have secrets written to the audit log in the clear, or end every lease",
			[]string{"sys/mounts/" + mount, "sys/mounts/" + mount + "/tune"},
		},
		{"sys/remount", false, "end every lease", []string{"sys/remount"}},
		{
			"sys/leases/*",
			true,
			"find and end a tenant's leased keys",
			[]string{
				"sys/leases/lookup/" + mount + "/tenants",
				"sys/leases/revoke",
				"sys/leases/revoke-prefix/" + mount + "/tenants",
				"sys/leases/revoke-force/" + mount + "/tenants",
				"sys/leases/tidy",
			},
		},
		{
			"sys/revoke*",
			false,
			"end a tenant's leased keys",
			[]string{"sys/revoke", "sys/revoke-prefix/" + mount, "sys/revoke-force/" + mount},
		},
		{"sys/plugins/*", false, "put another binary in the engine's place", []string{
			"sys/plugins/catalog/secret/vault-plugin-secrets-apikeys", "sys/plugins/reload/backend",
		}},
		{"sys/audit*", false, "turn the audit log off, or log everything raw", []string{"sys/audit/" + someone}},
		{"sys/config/auditing/*", false, "log headers raw", []string{"sys/config/auditing/request-headers/" + someone}},
		{"sys/raw*", true, "carry storage away", []string{"sys/raw/logical"}},
		{
			"sys/storage/raft/snapshot*", true, "carry storage away, or bring revoked keys back from an old copy",
			[]string{"sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force"},
		},
		{"sys/generate-root*", false, "become root", []string{"sys/generate-root/attempt"}},
		{"sys/rekey*", false, "change the keys that protect storage", []string{"sys/rekey/init"}},
		{"sys/rotate*", false, "change the keys that protect storage", []string{"sys/rotate", "sys/rotate/config"}},
	}
}

// usual returns the harmless grants of the servers' own policy default: a token's own token and entity, and
// leases and wrapping tokens whose names are known. More of the same path is not harmless: callers that may
// write their own entity can give themselves a tenant.
func usual(c *caller) []grant {
	asking, looking := []string{"create", "read", "update"}, []string{"read"}
	return []grant{
		{"auth/token/lookup-self", asking},
		{"auth/token/renew-self", asking},
		{"auth/token/revoke-self", asking},
		{"sys/leases/renew", []string{"update"}},
		{"sys/leases/lookup", []string{"update"}},
		{"identity/entity/id/" + c.entityID, looking},
		{"identity/entity/name/" + c.Entity, looking},
		{"identity/oidc/provider/+/authorize*", asking},
	}
}

// grant is one rule of a token's policies.
type grant struct {
	path string // as in a policy: + is one segment, a final * is anything
	may  []string
}

var looks = []string{"read", "list", "subscribe"}

// dangerous reports whether the capabilities suffice for a danger.
func (d danger) dangerous(may []string) bool {
	return !slices.Contains(may, "deny") && slices.ContainsFunc(may, func(capability string) bool {
		return d.looking || !slices.Contains(looks, capability)
	})
}

// rules returns the rules that the server lists for a token. A root token has none and may do everything.
func (c *caller) rules(ctx context.Context) (rules []grant, root bool, err error) {
	a, err := c.send(ctx, http.MethodGet, "sys/internal/ui/resultant-acl", nil)
	if err != nil {
		return nil, false, err
	}
	if !a.ok() {
		return nil, false, fmt.Errorf("%w: %d %s", errHidden, a.status, a.says())
	}
	if root, _ = a.Data["root"].(bool); root {
		return nil, true, nil
	}
	prefix := strings.Trim(c.at.namespace, "/")
	for list, star := range map[string]string{"exact_paths": "", "glob_paths": "*"} {
		paths, _ := a.Data[list].(map[string]any)
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			rule, _ := paths[path].(map[string]any)
			g := grant{
				path: strings.TrimPrefix(strings.TrimPrefix(path, prefix), "/") + star,
				may:  texts(rule["capabilities"]),
			}
			if path == "" {
				g.path = "*"
			}
			rules = append(rules, g)
		}
	}
	return rules, false, nil
}

var errHidden = errors.New("the token may not read sys/internal/ui/resultant-acl")

// capabilities asks the server what a token may do on paths. The answer takes every rule into account.
func (c *caller) capabilities(ctx context.Context, paths []string) (map[string][]string, error) {
	a, err := c.send(ctx, http.MethodPost, "sys/capabilities-self", fields{"paths": paths})
	if err != nil || !a.ok() {
		return nil, err
	}
	may := map[string][]string{}
	for _, path := range paths {
		may[path] = texts(a.Data[path])
	}
	return may, nil
}

func texts(list any) []string {
	var all []string
	items, _ := list.([]any)
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	slices.Sort(all)
	return all
}

// lead is a rule that leads round the walls.
type lead struct {
	rule grant
	why  []string // the dangers that it covers
}

// leads returns the rules that lead round the walls. It ignores what a harmless rule grants too.
func leads(rules []grant, all []danger, harmless []grant) []lead {
	var found []lead
	for _, g := range rules {
		if slices.ContainsFunc(harmless, g.within) {
			continue
		}
		led := lead{rule: g}
		for _, d := range all {
			masked := slices.ContainsFunc(rules, func(other grant) bool {
				return slices.Contains(other.may, "deny") && covers(other.path, d.pattern) &&
					outranks(other.path, g.path)
			})
			if d.dangerous(g.may) && meet(g.path, d.pattern) && !masked && !slices.Contains(led.why, d.why) {
				led.why = append(led.why, d.why)
			}
		}
		if len(led.why) > 0 {
			found = append(found, led)
		}
	}
	return found
}

// within reports whether the other rule grants everything that g does.
func (g grant) within(other grant) bool {
	return covers(other.path, g.path) &&
		!slices.ContainsFunc(g.may, func(capability string) bool { return !slices.Contains(other.may, capability) })
}

func (g grant) String() string { return g.path + " (" + strings.Join(g.may, " ") + ")" }
