package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"vault-plugin-secrets-apikeys/signing"
)

var kinds = []string{"internal", "external"}

// probe is a set of objects of one kind that a tenant made with its own tokens, for tries by others: a key, a
// role and a leased key. They have the same names in both tenants. Fields of objects that could not be made are
// empty; tries use a name that does not exist instead.
type probe struct {
	kind          string
	key, role     bool
	keyID, secret string // the key's
	leasedID      string
	used          bool // a call of the key was found valid
}

// word returns a new name.
func word() string { return "isolation-" + strings.ToLower(rand.Text()[:12]) }

// furnish makes the objects on which a tenant is tried.
func (r *run) furnish(ctx context.Context, p *party) error {
	for _, kind := range kinds {
		made := &probe{kind: kind}
		p.probes = append(p.probes, made)
		// The description explains the object to people who find it. No request of another party contains the
		// mark.
		mark := fields{
			"scheme":      string(signing.HMACSHA256),
			"description": "made to test the separation of tenants: " + r.mark(p),
			"ttl":         "1h",
		}
		mark["reveal"] = "always"
		a, err := r.make(ctx, p, http.MethodPost, "/"+kind+"/keys/"+r.probe, mark)
		if err != nil {
			return err
		}
		made.key, made.keyID = a.ok(), a.text("current_key_id")
		delete(mark, "reveal")
		mark["ttl"] = "10m"
		if a, err = r.make(ctx, p, http.MethodPost, "/"+kind+"/roles/"+r.probe, mark); err != nil {
			return err
		}
		made.role = a.ok()
		if err := r.reveal(ctx, p, made); err != nil {
			return err
		}
		if made.role {
			a, err := r.first(ctx, p, http.MethodGet, nil, "tenants/"+p.Tenant+"/"+kind+"/creds/"+r.probe)
			if err != nil {
				return err
			}
			if a, err = p.Callers[0].unwrapped(ctx, a); err != nil {
				return err
			}
			if made.leasedID = a.text("key_id"); made.leasedID != "" {
				r.report.Made = append(r.report.Made, "tenants/"+p.Tenant+"/"+kind+"/leased/"+made.leasedID)
			}
			r.hide(p, a)
		}
	}
	return nil
}

// reveal fetches the secret of the probe's key, to sign calls. The secret is kept only in memory.
func (r *run) reveal(ctx context.Context, p *party, made *probe) error {
	if !made.key {
		return nil
	}
	a, err := r.first(ctx, p, http.MethodPost, nil, p.own("/"+made.kind+"/keys/"+r.probe+"/reveal")...)
	if err != nil {
		return err
	}
	if a, err = p.Callers[0].unwrapped(ctx, a); err != nil {
		return err
	}
	made.secret = a.text("key")
	r.hide(p, a)
	return nil
}

// hide remembers values that no answer to another party may contain.
func (r *run) hide(p *party, a *answered) {
	for _, name := range []string{"key", "credential"} {
		if text := a.text(name); text != "" {
			r.needles[p] = append(r.needles[p], text)
		}
	}
}

// mark returns a text that occurs only in the tenant's own objects.
func (r *run) mark(p *party) string {
	if len(r.needles[p]) == 0 {
		r.needles[p] = []string{rand.Text()}
	}
	return r.needles[p][0]
}

// make makes an object of the tenant's own, unless it exists, and notes it in the report.
func (r *run) make(ctx context.Context, p *party, method, rest string, sent fields) (*answered, error) {
	a, err := r.first(ctx, p, method, sent, p.own(rest)...)
	if err != nil {
		return nil, err
	}
	if path := "tenants/" + p.Tenant + rest; a.ok() {
		r.report.Made = append(r.report.Made, path)
	} else {
		r.note("%s could not be made, and names that nobody has are tried instead: %d %s", path, a.status, a.says())
	}
	return a, nil
}

// clear ends and removes what furnish made.
func (r *run) clear(ctx context.Context, p *party) {
	for _, made := range p.probes {
		folder := "/" + made.kind
		if made.leasedID != "" {
			r.remove(ctx, p, folder+"/leased/"+made.leasedID, http.MethodPost, "/revoke")
		}
		if made.role {
			r.remove(ctx, p, folder+"/roles/"+r.probe, http.MethodDelete, "")
		}
		if made.key {
			// Revoke it first, because a deleted key can be restored. Only the deletion has to succeed.
			_, _ = r.first(ctx, p, http.MethodPost, nil, p.own(folder+"/keys/"+r.probe+"/revoke")...)
			r.remove(ctx, p, folder+"/keys/"+r.probe, http.MethodDelete, "")
		}
	}
}

func (r *run) remove(ctx context.Context, p *party, rest, method, action string) {
	a, err := r.first(ctx, p, method, nil, p.own(rest+action)...)
	path := "tenants/" + p.Tenant + rest
	switch {
	case err != nil:
		r.report.Left = append(r.report.Left, path+": "+err.Error())
	case !a.ok():
		r.report.Left = append(r.report.Left, fmt.Sprintf("%s: %d %s", path, a.status, a.says()))
	default:
		r.report.Removed = append(r.report.Removed, path)
	}
}

// call returns a signed message as fields of verify. The key ID need not belong to the secret.
func call(keyID, secret string) fields {
	key, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil || len(key) == 0 {
		return nil
	}
	const message = "who may know whose this is?"
	return fields{"message": message, "signature": signing.SignTagged(keyID, key, []byte(message))}
}
