package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

var reportAnswer = schema{
	"generated_at": stamp("When the report was made."),
	"rules":        rows("The rules: id, requirement (of PCI DSS 4), text."),
	"keys": rows("Each key: kind, name, state, current_key_id, failed (the rules that it breaks), compat " +
		"(how its calls may deviate from their scheme)."),
}

var adminReportAnswer = join(cutFields, schema{
	"generated_at": stamp("When the report was made."),
	"rules":        rows("The rules: id, requirement (of PCI DSS 4), text."),
	"tenants": rows("Each tenant: tenant, keys, failing (keys that break a rule), failed (how many break each " +
		"rule)."),
})

func (h *Handlers) reportResources() []resource {
	return []resource{
		{
			scope: tenants, pattern: "/report", suffix: "report",
			operations: only(logical.ReadOperation, h.walking(h.reportRead),
				"Hold each key against each rule.", reportAnswer),
			synopsis: "How the tenant's keys stand against the rules, for an assessor to keep.",
			description: "Rules are in our own words, each with the requirement of PCI DSS 4 that it supports. " +
				"Revoked and deleted keys break none. Leased keys are not in it: they end with their leases.",
		},
		{
			scope: platform, pattern: "admin/report", suffix: "admin-report", fields: pageFields,
			operations: only(logical.ReadOperation, h.walking(h.adminReport),
				"Count the keys that break rules.", adminReportAnswer),
			synopsis:    "How many keys of each tenant break which rule, and no names.",
			description: howPaged,
		},
	}
}

func (h *Handlers) reportRead(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	keys := []any{}
	err := h.eachBroken(ctx, r, walk, r.tenant, func(k *apikey.Key, failed []string) {
		current := ""
		if v := k.Current(r.now); v != nil {
			current = v.KeyID
		}
		keys = append(keys, map[string]any{
			"kind": string(k.Kind), "name": string(k.Name), "state": string(k.State()), "current_key_id": current,
			"failed": failed, "compat": k.Rules.Get().Compat.List(),
		})
	})
	if err != nil {
		return nil, err
	}
	return reply(map[string]any{"generated_at": field.RFC3339(r.now), "rules": ruleData(), "keys": keys})
}

func ruleData() []any {
	all := make([]any, len(apikey.ReportRules))
	for i, rule := range apikey.ReportRules {
		all[i] = map[string]any{"id": rule.ID, "requirement": rule.Requirement, "text": rule.Text}
	}
	return all
}

// eachBroken holds each named key of a tenant against the rules.
func (h *Handlers) eachBroken(
	ctx context.Context, r *request, walk *turn, t *tenant.Tenant, each func(k *apikey.Key, failed []string),
) error {
	uses := h.store.UsesOf(t)
	for _, kind := range apikey.Kinds {
		names, err := h.store.Keys(ctx, r.Storage, t, kind)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := walk.next(ctx); err != nil {
				return err
			}
			k, err := ignoreNotFound(h.store.Key(ctx, r.Storage, t, kind, apikey.Name(name)))
			if err != nil {
				return err
			}
			if k == nil {
				continue
			}
			last, err := uses.LastUsed(ctx, r.Storage, k)
			if err != nil && !damaged(err) {
				return err
			}
			each(k, k.Broken(apikey.MaintainInput{
				Config: r.config, Tenant: t, LastUsed: last.At, MaybeUsed: last.MaybeAt, UsageUnknown: err != nil,
			}, r.now))
		}
	}
	return nil
}

func (h *Handlers) adminReport(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	names, err := h.store.Tenants(ctx, r.Storage)
	if err != nil {
		return nil, err
	}
	open := listing[tenant.Tenant]{
		names: names, lets: stillExists[tenant.Tenant],
		read: func(name string) (*tenant.Tenant, error) {
			return ignoreNotFound(h.store.OpenTenant(ctx, r.Storage, tenant.Name(name)))
		},
	}
	p, err := open.page(ctx, r, walk)
	if err != nil {
		return nil, err
	}
	reports := make([]any, len(p.found))
	for i, t := range p.found {
		if reports[i], err = h.tenantCounts(ctx, r, walk, t); err != nil {
			return nil, err
		}
	}
	data := map[string]any{"generated_at": field.RFC3339(r.now), "rules": ruleData(), "tenants": reports}
	p.addCut(data)
	return reply(data)
}

func (h *Handlers) tenantCounts(ctx context.Context, r *request, walk *turn, t *tenant.Tenant) (map[string]any, error) {
	keys, failing, each := 0, 0, make(map[string]any)
	for _, rule := range apikey.ReportRules {
		each[rule.ID] = 0
	}
	err := h.eachBroken(ctx, r, walk, t, func(_ *apikey.Key, failed []string) {
		keys++
		if len(failed) > 0 {
			failing++
		}
		for _, id := range failed {
			each[id] = each[id].(int) + 1
		}
	})
	return map[string]any{"tenant": string(t.Name), "keys": keys, "failing": failing, "failed": each}, err
}
