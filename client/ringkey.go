package client

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// readable is a call that could be read.
type readable struct {
	call *signing.Call
	head *signing.Head // nil: a message
	from Call
}

// readCall reads a call; what cannot be read is malformed.
func readCall(c Call) (q readable, ok bool) {
	q.from = c
	var err error
	if c.Request == "" {
		q.call, err = signing.ParseTagged([]byte(c.Message), c.Signature)
		return q, err == nil
	}
	if q.head, err = signing.ParseHeadString(c.Request); err != nil {
		return q, false
	}
	q.call, err = signing.ParseLooseCall(q.head)
	return q, err == nil
}

// ringKey is one version as the engine gave it, ready to be judged by. It is immutable but for used.
type ringKey struct {
	sent    time.Time // when it was asked for
	maxAge  time.Duration
	refused error       // why it may not be judged by; nil: it may
	key     *apikey.Key // nil: nobody's
	tenant  *tenant.Tenant
	mount   *tenant.Config
	past    time.Duration
	future  time.Duration
	mac     *signing.MACKey
	told    Verdict     // what every verdict on a right signature tells
	used    atomic.Bool // since it was fetched
}

func (r *ringKey) fresh(now time.Time) bool { return now.Sub(r.sent) < r.maxAge }

// judge returns the engine's verdict on a call.
func (r *ringKey) judge(q *readable, seen *replay.Table, most int, now time.Time) Verdict {
	outcome := replay.New
	c := apikey.Case{
		Call: q.call, Head: q.head, From: q.from.ClientIP, MAC: r.mac, Key: r.key, Tenant: r.tenant, Mount: r.mount,
		Past: r.past, Future: r.future,
		Seen: func() bool {
			outcome = seen.Check(replay.Call{
				Tenant: r.told.Tenant, KeyID: q.call.KeyID, Nonce: q.call.Nonce, Time: q.call.Time, Window: r.past,
			}, most, true, now)
			return outcome != replay.New
		},
	}
	verdict, _ := c.Judge(now)
	if !verdict.Signed() {
		return Verdict{Verdict: string(verdict)}
	}
	v := r.told
	v.Verdict, v.Valid, v.ServerTime = string(verdict), verdict == apikey.Valid, now.UTC().Truncate(time.Second)
	if (v.State == string(apikey.Current) || v.State == string(apikey.Overlapping)) && !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt) {
		v.State = string(apikey.Expired)
	}
	v.ContentDigest, v.ReplayTableFull = q.call.ContentDigest, outcome == replay.Full
	if len(c.Matched) > 0 {
		v.Variant = joined(c.Matched)
	}
	return v
}

func joined(variants signing.Compat) string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = string(v)
	}
	return strings.Join(names, ",")
}

// newRingKey reads an answer of keyring/. The error never quotes it.
func newRingKey(answer *api.Secret, keyID string, sent time.Time) (*ringKey, error) {
	d := decoder{data: answer.Data}
	r := &ringKey{sent: sent}
	v := &r.told
	v.Tenant, v.Kind, v.Name, v.KeyID = d.word("tenant"), d.word("kind"), d.word("name"), d.word("key_id")
	v.Version, v.State, v.Scheme = int(d.whole("version")), d.word("state"), d.word("scheme")
	v.User, v.SuccessorKeyID = may[string](&d, "user"), may[string](&d, "successor_key_id")
	v.Metadata = d.pairs("metadata")
	if end, there := d.data["expires_at"]; end != nil || !there {
		v.ExpiresAt = d.stamp("expires_at")
	}
	r.maxAge = time.Duration(d.whole("max_age")) * time.Second
	r.past, r.future = time.Duration(d.whole("window_past"))*time.Second, time.Duration(d.whole("window_future"))*time.Second
	raw, err := base64.RawURLEncoding.Strict().DecodeString(d.word("key"))
	if err != nil || len(raw) == 0 {
		d.refuse("key")
	}
	if v.KeyID != keyID {
		d.refuse("key_id")
	}
	r.rules(&d, raw)
	if d.wrong != "" {
		return nil, fmt.Errorf("%w: %s", errMalformed, d.wrong)
	}
	r.mac = signing.NewMACKey(raw)
	return r, nil
}

// rules makes the records by which the core judges.
func (r *ringKey) rules(d *decoder, raw []byte) {
	v := &r.told
	replays := d.word("replay")
	if replays != "on" && replays != "off" {
		d.refuse("replay")
	}
	compat := d.lines("compat")
	r.mount, r.tenant = tenant.DefaultConfig(), &tenant.Tenant{Name: tenant.Name(v.Tenant)}
	lists := must[[]any](d, "published")
	for i, to := range []*tenant.Lines{&r.mount.External.Published, &r.tenant.Provider.Published, &r.tenant.Own.Published} {
		if i < len(lists) {
			*to = d.linesOf("published", lists[i])
		}
	}
	if len(lists) > 3 {
		d.refuse("published")
	}
	switch d.word("tenant_state") {
	case string(tenant.Active):
	case string(tenant.Suspended):
		r.tenant.SuspendedAt = r.sent
	default:
		d.refuse("tenant_state")
	}
	r.key = &apikey.Key{
		Ref: apikey.Ref{Tenant: tenant.Name(v.Tenant), Kind: apikey.Kind(v.Kind), Name: apikey.Name(v.Name)},
		Settings: apikey.Settings{
			Scheme: signing.Scheme(v.Scheme), Replay: replays == "on",
			Rules: apikey.Share(apikey.Rules{Limits: apikey.Limits{
				Scopes: d.lines("scopes"), CIDRs: d.lines("allowed_cidrs"), User: v.User, Compat: compat,
			}}),
		},
		Versions: []apikey.Version{{
			KeyID: v.KeyID, Number: v.Version, Secret: secret.New(raw), ExpiresAt: v.ExpiresAt,
			// The engine has left out of compat what does not count for this version.
			Marks: apikey.Share(apikey.Marks{Imported: true}),
		}},
	}
	r.stands(d)
}

// stands puts the version into the state that the engine has told.
func (r *ringKey) stands(d *decoder) {
	only := &r.key.Versions[0]
	switch state := apikey.State(r.told.State); state {
	case apikey.Current, apikey.Overlapping:
	case apikey.Revoked:
		only.RevokedAt = r.sent
	case apikey.Disabled:
		only.DisabledAt = r.sent
	case apikey.Expired: // by the engine's clock, if not by ours
		only.ExpiresAt = time.Unix(0, 0)
	default:
		d.refuse("state")
	}
	if _, err := signing.ParseScheme(r.told.Scheme); err != nil {
		d.refuse("scheme")
	}
	if !slices.Contains(apikey.Kinds, apikey.Kind(r.told.Kind)) {
		d.refuse("kind")
	}
}
