package apikey

import (
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// ParseScopes returns the scopes of a list, or a refusal that names the field.
func ParseScopes(field string, list []string) (match.Scopes, error) {
	if err := each(field, list, match.ParseScope); err != nil {
		return match.Scopes{}, err
	}
	scopes := match.ScopesOf(list)
	if scopes.Over() {
		return match.Scopes{}, tooMuch(field)
	}
	return scopes, nil
}

// ParsePublished returns the path globs of a list, or a refusal that names the field.
func ParsePublished(field string, list []string) (match.Globs, error) {
	if err := each(field, list, match.ParseGlob); err != nil {
		return match.Globs{}, err
	}
	globs := match.GlobsOf(list)
	if globs.Over() {
		return match.Globs{}, tooMuch(field)
	}
	return globs, nil
}

// ParseCIDRs returns the address ranges of a list, or a refusal that names the field.
func ParseCIDRs(field string, list []string) (match.Ranges, error) {
	if err := each(field, list, match.ParseRange); err != nil {
		return match.Ranges{}, err
	}
	return match.RangesOf(list), nil
}

func each(field string, list []string, check func(string) error) error {
	for i, line := range list {
		if err := check(line); err != nil {
			return refusal.Errorf(refusal.Invalid, "%s: item %d: %s", field, i+1, err)
		}
	}
	return nil
}

func tooMuch(field string) error {
	return refusal.Errorf(
		refusal.Invalid,
		"%s: together they have more than %d bytes, or look for more than %d segments anywhere in a path, "+
			"which is those between two **, and those with a text between two *: write fewer of these",
		field,
		match.MaxList,
		match.MaxSearches,
	)
}
