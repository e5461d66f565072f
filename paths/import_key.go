package paths

import (
	"encoding/base64"
	"slices"
	"strings"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// importedKey reads an item.
func importedKey(
	r *request, item map[string]any, kind apikey.Kind, t *tenant.Tenant, provider bool,
) (*apikey.Key, error) {
	word, _ := item["name"].(string)
	name, err := apikey.ParseNameField("name", word)
	if err != nil {
		return nil, err
	}
	v, err := importedVersion(item, provider)
	if err != nil {
		return nil, err
	}
	for _, own := range []string{"name", "key_id", "key", "issued_at", "expires_at"} {
		delete(item, own)
	}
	for strange := range item {
		if !slices.ContainsFunc(keySettings, func(s field.Setting[apikey.Settings]) bool { return s.Name == strange }) {
			return nil, refusal.Errorf(refusal.Invalid, "%s: is no field of a key to import", refusal.Quote(strange))
		}
	}
	defaults := cappedDefaults(kind, r.config, t)
	s := defaults
	if err := field.Apply(keySettings, item, false, &s, &defaults); err != nil {
		return nil, err
	}
	if s, err = s.Resolve(kind, r.config, t); err != nil {
		return nil, err
	}
	by := r.actor()
	//mutate:false "names of the provider's people" TestWho
	if provider {
		by.Name = "" // tenants do not learn it
	}
	return apikey.Import(apikey.Ref{Tenant: t.Name, Kind: kind, Name: name}, t.UID, s, v, r.config, t, by, r.now)
}

func importedVersion(item map[string]any, provider bool) (apikey.Imported, error) {
	v := apikey.Imported{Provider: provider}
	v.KeyID, _ = item["key_id"].(string)
	text, _ := item["key"].(string)
	key, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return v, field.BadValue("key", "unpadded base64url")
	}
	v.Secret = secret.New(key)
	if issued := item["issued_at"]; issued != nil {
		if v.IssuedAt, err = field.ParseTime("issued_at", issued); err != nil {
			return v, err
		}
	}
	end, given := item["expires_at"]
	if v.Forever = given && end == nil; given && end != nil {
		v.ExpiresAt, err = field.ParseTime("expires_at", end)
	}
	return v, err
}
