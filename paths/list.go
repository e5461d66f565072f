package paths

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

const (
	pageDefault = 100
	pageMost    = 1000
)

var pageFields = schema{
	"after": field(framework.TypeString, "Show what follows this name."),
	"limit": field(framework.TypeInt, "How many to show: 100, at most 1000."),
}

// page answers a list from sorted names. Info describes one of them; a nil description
// leaves it out. A page that is cut says how to go on.
func page(ctx context.Context, r *request, names []string, info func(name string) (map[string]any, error)) (*logical.Response, error) {
	after, limit, err := r.paging()
	if err != nil {
		return nil, err
	}
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	shown, infos := make([]string, 0, min(limit, len(names)-from)), make(map[string]any)
	i := from
	for ; i < len(names) && len(shown) < limit; i++ {
		if err := r.walk.next(ctx); err != nil {
			return nil, err
		}
		d, err := info(names[i])
		if err != nil {
			return nil, err
		}
		if d != nil {
			shown = append(shown, names[i])
			infos[names[i]] = d
		}
	}
	if i < len(names) {
		r.warn("showing %d of %d; for the next ones add after=%s", len(shown), len(names), names[i-1])
	}
	return logical.ListResponseWithInfo(shown, infos), nil
}

func (r *request) paging() (after string, limit int, err error) {
	if after, err = r.text("after", 128); err != nil {
		return "", 0, err
	}
	limit = pageDefault
	if raw := r.Data["limit"]; raw != nil {
		limit, err = parseInt("limit", raw, 1, pageMost)
	}
	return after, limit, err
}
