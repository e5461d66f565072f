package paths

import (
	"slices"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// The states that keys, and leased keys, are listed by: those that reading one answers.
var (
	keyStates    = []apikey.State{apikey.Active, apikey.Disabled, apikey.Revoked, apikey.DeletedKey}
	leasedStates = []apikey.State{apikey.Current, apikey.Disabled, apikey.Revoked, apikey.Expired, apikey.Destroyed}
)

var keyListFields = join(pageFields, schema{
	"owner": text("Only those with this owner, to the letter; empty: only those without one."),
	"state": choice("Only those in this state.", keyStates),
})

var leasedListFields = join(pageFields, schema{
	"owner": text("Only those with this owner, to the letter; empty: only those without one."),
	"state": choice("Only those in this state.", leasedStates),
	"role":  text("Only those of this role."),
})

// filter is which keys a list is to show; nil: any.
type filter struct {
	owner *string
	state *apikey.State
	role  *apikey.Name
}

// filter reads the filters of a list of things that may be in these states.
func (r *request) filter(states []apikey.State) (f filter, err error) {
	if raw := r.Data["owner"]; raw != nil {
		owner, err := parseText("owner", raw, apikey.MaxOwner)
		if err != nil {
			return f, err
		}
		f.owner = &owner
	}
	if raw := r.Data["state"]; raw != nil {
		word, _ := raw.(string)
		state := apikey.State(word)
		if !slices.Contains(states, state) {
			return f, badValue("state", oneOf(states))
		}
		f.state = &state
	}
	if raw := r.Data["role"]; raw != nil {
		word, ok := raw.(string)
		if !ok {
			return f, badValue("role", "a role's name")
		}
		role, err := apikey.ParseName("role", word)
		if err != nil {
			return f, err
		}
		f.role = &role
	}
	return f, nil
}

// none reports whether everything is let through.
func (f filter) none() bool { return f == filter{} }

// lets reports whether k, which is in the state, is to be shown.
func (f filter) lets(k *apikey.Key, state apikey.State) bool {
	//mutate:true:1.2 "owners that a list is not to show" ./backend TestKeyFilters
	return (f.owner == nil || *f.owner == k.Owner) && (f.state == nil || *f.state == state) && (f.role == nil || *f.role == k.Name)
}
