package paths

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
)

// pageMost is the longest page that a caller may ask for.
const pageMost = 1000

var pageFields = schema{
	"after": field.Schema(framework.TypeString, "Answer what follows this name, such as the next of a page."),
	"limit": field.Schema(framework.TypeInt, "How many to answer, at most 1000. Default: all, as with 0 and below."),
}

// cutFields are what the answer to a cut page has beside its entries.
var cutFields = schema{
	"total": number("Of a cut page alone: how many there are on all pages."),
	"next":  text("Of a cut page alone: the after of the page that follows."),
}

// howPaged stands in the description of each list.
const howPaged = "All are answered unless a limit is given. A page that it cuts also has total, and next, which is " +
	"the after of the page that follows."

// listing is a list before it is cut to a page.
type listing[T any] struct {
	names []string                      // sorted
	read  func(name string) (*T, error) // nil: there is no such thing any more
	lets  func(*T) bool                 // what is to be shown; nil: all that is named
}

// stillExists lets everything through that still exists, so that only that is counted.
func stillExists[T any](*T) bool { return true }

// page is the part of a list that a caller asked for.
type page[T any] struct {
	names []string
	found []*T // what they lead to, one by one
	most  int  // how many there may be; 0: any number
	total int  // of the whole list
	next  string
}

func (p *page[T]) full() bool { return p.most > 0 && len(p.names) == p.most }

// add takes one more in, or notes that more would follow.
func (p *page[T]) add(name string, one *T) {
	if p.full() {
		p.next = p.names[p.most-1]
		return
	}
	p.names, p.found = append(p.names, name), append(p.found, one)
}

// page reads what the caller asked for, and no more. Only a page of a filtered list reads all, for the total.
func (l *listing[T]) page(ctx context.Context, r *request, walk *turn) (*page[T], error) {
	after, most, err := r.paging()
	if err != nil {
		return nil, err
	}
	p, counts := &page[T]{most: most, total: len(l.names)}, most > 0 && l.lets != nil
	names := l.names
	if counts {
		p.total = 0
	} else {
		from, _ := slices.BinarySearch(names, after+"\x00")
		names = names[from:]
	}
	for _, name := range names {
		if !counts && p.full() {
			p.next = p.names[most-1]
			break
		}
		if err := walk.next(ctx); err != nil {
			return nil, err
		}
		one, err := l.read(name)
		if err != nil {
			return nil, err
		}
		if one == nil || l.lets != nil && !l.lets(one) {
			continue
		}
		if counts {
			p.total++
		}
		if name > after {
			p.add(name, one)
		}
	}
	return p, nil
}

// list answers a page in the form of Vault's lists. Info describes one entry.
func (p *page[T]) list(info func(one *T) (map[string]any, error)) (*logical.Response, error) {
	infos := make(map[string]any, len(p.names))
	for i, name := range p.names {
		d, err := info(p.found[i])
		if err != nil {
			return nil, err
		}
		infos[name] = d
	}
	resp := logical.ListResponseWithInfo(p.names, infos)
	p.addCut(resp.Data)
	return resp, nil
}

// addCut adds what the page leaves out.
func (p *page[T]) addCut(data map[string]any) {
	//mutate:false "what a page leaves out" TestListsByPages
	if p.next != "" {
		data["total"], data["next"] = p.total, p.next
	}
}

// paging reads which page the caller asks for. A limit of 0 is none.
func (r *request) paging() (after string, limit int, err error) {
	if after, err = r.text("after", 128); err != nil {
		return "", 0, err
	}
	if raw := r.Data["limit"]; raw != nil {
		//mutate:instead:0.4 "pages that are too long" TestListLimits => 1<<53
		if limit, err = field.ParseInt("limit", raw, -1<<53, pageMost); err != nil {
			err = refusal.Errorf(refusal.Invalid,
				"limit: must be a whole number up to %d; without one, all are answered", pageMost)
		}
	}
	return after, max(0, limit), err
}

// listAnswer is what a list answers; info says what key_info has.
func listAnswer(info string) schema {
	return join(cutFields, schema{
		"keys":     field.Schema(framework.TypeStringSlice, "The names, sorted."),
		"key_info": table("By name: " + info + "."),
	})
}

// filter is which keys a list shows; nil: any.
type filter struct {
	owner *string
	state *apikey.State
	role  *apikey.Name
}

// filter reads the filters of a list of things that may be in these states.
func (r *request) filter(states []apikey.State) (f filter, err error) {
	if raw := r.Data["owner"]; raw != nil {
		owner, err := field.ParseText("owner", raw, apikey.MaxOwner)
		if err != nil {
			return f, err
		}
		f.owner = &owner
	}
	if raw := r.Data["state"]; raw != nil {
		state, err := field.ParseChoice("state", raw, states)
		if err != nil {
			return f, err
		}
		f.state = &state
	}
	if raw := r.Data["role"]; raw != nil {
		word, ok := raw.(string)
		if !ok {
			return f, field.BadValue("role", "a role's name")
		}
		role, err := apikey.ParseNameField("role", word)
		if err != nil {
			return f, err
		}
		f.role = &role
	}
	return f, nil
}

// none reports whether the filter lets everything through.
func (f filter) none() bool { return f == filter{} }

// lets reports whether the filter shows k, which is in the state.
func (f filter) lets(k *apikey.Key, state apikey.State) bool {
	//mutate:true:1.2 "owners that a list is not to show" TestKeyFilters
	return (f.owner == nil || *f.owner == k.Owner) && (f.state == nil || *f.state == state) &&
		(f.role == nil || *f.role == k.Name)
}
