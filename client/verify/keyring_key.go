package verify

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// cachedKey is a key that is held.
type cachedKey struct {
	id    string
	rules atomic.Pointer[ruleSet] // never nil
	used  atomic.Int64            // the second of its last call

	mu      sync.Mutex
	retry   time.Time // no fetch before
	failure error     // of the last fetch, since when there was no good one
}

// touch notes a call. Most calls find its second noted, and write nothing that others read.
func (k *cachedKey) touch(now time.Time) {
	if second := now.Unix(); k.used.Load() != second {
		k.used.Store(second)
	}
}

// lastFailure returns why the last fetch failed, unless it is time for another.
func (k *cachedKey) lastFailure(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Before(k.retry) {
		return k.failure
	}
	return nil
}

func (k *cachedKey) setFailure(err error, retry time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure, k.retry = err, retry
}

// ruleSet is one answer of keyring/. It does not change.
type ruleSet struct {
	grant     apikey.Grant // the secret is in its MAC alone
	mac       *signing.MACKey
	state     apikey.State // of the version, when it was sent
	keyFields Verdict      // what is the same in each verdict

	sent       time.Time // when the question was sent, with the monotonic clock
	maxAge     time.Duration
	refreshAge time.Duration // the age at which to ask again
}

// age counts by both clocks: the monotonic one may stand still while a machine sleeps, the other may be set back.
func (k *ruleSet) age(now time.Time) time.Duration {
	return max(now.Sub(k.sent), time.Duration(now.UnixNano()-k.sent.UnixNano()))
}

// fresh reports whether calls can be judged by the rules. If the key has expired since they were fetched, its expiry
// may have been moved meanwhile, because leases are renewed.
func (k *ruleSet) fresh(now time.Time) bool {
	ends := k.keyFields.ExpiresAt
	ended := !ends.IsZero() && k.sent.Before(ends) && !now.Before(ends)
	return k.age(now) <= k.maxAge && !ended
}

// stateAt returns the version's state at now: one that was good has expired since, at its end.
func (k *ruleSet) stateAt(now time.Time) apikey.State {
	ends := k.keyFields.ExpiresAt
	if (k.state == apikey.Current || k.state == apikey.Overlapping) && !ends.IsZero() && !now.Before(ends) {
		return apikey.Expired
	}
	return k.state
}

// knownFields are the fields of keyring/ that this package knows. Another one may be a rule.
var knownFields = []string{
	"key",
	"max_age",
	"tenant",
	"kind",
	"name",
	"key_id",
	"version",
	"state",
	"tenant_state",
	"scheme",
	"compat",
	"scopes",
	"published",
	"allowed_cidrs",
	"user",
	"metadata",
	"replay",
	"window_past",
	"window_future",
	"expires_at",
	"successor_key_id",
}

// ruleSetOf reads the answer of keyring/ for a key ID.
func ruleSetOf(answer *api.Secret, keyID string, sent time.Time) (*ruleSet, error) {
	for name := range answer.Data {
		if !slices.Contains(knownFields, name) {
			return nil, fmt.Errorf("%w: it has a field %s", ErrNotLocal, name)
		}
	}
	d := decoder{data: answer.Data}
	k := &ruleSet{sent: sent, maxAge: d.seconds("max_age")}
	d.keyFields(&k.keyFields)
	k.refreshAge = k.maxAge
	if ends := k.keyFields.ExpiresAt; ends.After(sent) {
		k.refreshAge = min(k.refreshAge, ends.Sub(sent))
	}
	k.refreshAge = vault.Jitter(k.refreshAge, 0.5, 0.75)
	k.mac, k.state = d.mac("key"), apikey.State(d.nonEmpty("state"))
	k.grant = d.grant(&k.keyFields, k.state)
	k.grant.MAC = k.mac
	if k.keyFields.KeyID != keyID {
		d.refuse("key_id")
	}
	if d.wrong != "" {
		return nil, fmt.Errorf("%w: %s", vault.ErrMalformed, d.wrong)
	}
	return k, nil
}

// keyFields reads what is the same in all verdicts on a key's calls.
func (d *decoder) keyFields(v *Verdict) {
	v.Tenant, v.Kind, v.Name, v.KeyID = d.nonEmpty("tenant"), d.nonEmpty("kind"), d.nonEmpty("name"), d.nonEmpty(
		"key_id",
	)
	v.Version = int(d.positiveInt("version"))
	v.Scheme = d.nonEmpty("scheme")
	v.User, v.SuccessorKeyID = optional[string](d, "user"), optional[string](d, "successor_key_id")
	if end, ok := d.data["expires_at"]; end != nil || !ok {
		v.ExpiresAt = d.timestamp("expires_at").UTC()
	}
	if v.Metadata = d.stringMap("metadata"); d.data["metadata"] == nil {
		d.refuse("metadata")
	}
}

// grant reads what calls are judged by, but for the secret.
func (d *decoder) grant(fields *Verdict, state apikey.State) apikey.Grant {
	scheme, err := signing.ParseScheme(fields.Scheme)
	if err != nil {
		d.refuse("scheme")
	}
	if _, err := apikey.ParseKind(fields.Kind); err != nil {
		d.refuse("kind")
	}
	replayed := d.nonEmpty("replay")
	if replayed != "on" && replayed != "off" {
		d.refuse("replay")
	}
	g := apikey.Grant{
		Standing: d.standing(state), ExpiresAt: fields.ExpiresAt, Scheme: scheme, User: fields.User,
		Scopes: match.ScopesOf(d.texts("scopes", d.data["scopes"])),
		CIDRs:  match.RangesOf(d.texts("allowed_cidrs", d.data["allowed_cidrs"])),
		Replay: replayed == "on", Past: d.seconds("window_past"), Future: d.seconds("window_future"),
	}
	for _, name := range d.texts("compat", d.data["compat"]) {
		g.Compat = append(g.Compat, signing.Variant(name))
	}
	d.published(&g)
	return g
}

// standing reads what stands against all calls. That it stood when the answer came is all that matters.
func (d *decoder) standing(state apikey.State) apikey.Verdict {
	suspended := false
	switch s := tenant.State(d.nonEmpty("tenant_state")); s {
	case tenant.Active:
	case tenant.Suspended:
		suspended = true
	case tenant.Deleted:
		fallthrough // Its keys are unknown.
	default:
		d.refuse("tenant_state")
	}
	verdict := apikey.Valid
	switch state {
	case apikey.Current, apikey.Overlapping:
	case apikey.Revoked:
		verdict = apikey.VerdictRevoked
	case apikey.Disabled:
		verdict = apikey.VerdictDisabled
	case apikey.Expired: // by Vault's clock, even if this machine's is behind
		verdict = apikey.VerdictExpired
	case apikey.Active, apikey.Deleted, apikey.Destroyed:
		fallthrough // No version that is handed out is in one of them.
	default:
		d.refuse("state")
	}
	if suspended {
		return apikey.TenantSuspended
	}
	return verdict
}

// published reads the lists of path globs: of the mount, the provider and the tenant, as many as there are.
func (d *decoder) published(g *apikey.Grant) {
	lists := required[[]any](d, "published")
	if len(lists) > len(g.Published) {
		d.refuse("published")
		return
	}
	for i, list := range lists {
		if g.Published[i] = match.GlobsOf(d.texts("published", list)); g.Published[i].Empty() {
			d.refuse("published") // It would let in what an empty list does not.
		}
	}
}

// texts reads a list of texts, none of which is empty or has a line end.
func (d *decoder) texts(name string, raw any) []string {
	list, ok := raw.([]any)
	if !ok {
		d.refuse(name)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok || !isLine(texts[i]) {
			d.refuse(name)
		}
	}
	return texts
}

func isLine(s string) bool { return s != "" && !slices.Contains([]byte(s), '\n') }

func (d *decoder) seconds(name string) time.Duration {
	return time.Duration(d.positiveInt(name)) * time.Second
}

func (d *decoder) mac(name string) *signing.MACKey {
	key, err := base64.RawURLEncoding.Strict().DecodeString(d.nonEmpty(name))
	if err != nil {
		d.refuse(name)
	}
	defer clear(key)
	return signing.NewMACKey(key)
}
