package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// byImport tries to import another tenant's key ID, and a key for another tenant. Each import is a dry run, so
// that nothing is made even if it is accepted.
func (r *run) byImport(ctx context.Context, by, of *party) error {
	w := r.wall(fmt.Sprintf("%s importing over %s", by.Name, of.Name))
	item := func(field, value string) fields {
		all := r.importable()
		all[field] = value
		return all
	}
	for _, who := range by.Callers {
		for _, kind := range kinds {
			// An import without anything of another tenant must be accepted, or the refusals below prove nothing.
			mine, err := who.send(
				ctx,
				"POST",
				r.mount+"/my/"+kind+"/import",
				fields{"dry_run": true, "keys": []fields{item("name", r.nobody)}},
			)
			if err != nil {
				return err
			}
			if mine.ok() && unimported(try{}, mine) != hole {
				r.note("%s: imports of its own are refused too", w.Name)
			}
			items := []fields{item("tenant", of.Tenant), item("kind", kind)}
			for _, theirs := range of.probes {
				for _, id := range []string{theirs.keyID, theirs.leasedID} {
					if id != "" {
						items = append(items, item("key_id", id))
					}
				}
			}
			for _, path := range by.own("/" + kind + "/import") {
				for _, one := range items {
					sent := fields{"dry_run": true, "keys": []fields{one}}
					if err := r.tryAll(ctx, w, []try{{who, "POST", path, sent}}, unimported); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// importable returns a key that could be imported.
func (r *run) importable() fields {
	const shortest = 32
	key := make([]byte, shortest)
	_, _ = rand.Read(key) // never fails
	return fields{
		"name":   r.nobody,
		"key_id": rand.Text()[:16],
		"key":    base64.RawURLEncoding.EncodeToString(key),
		"scheme": "hmac-sha256",
	}
}

// unimported judges imports of which no item may be accepted.
func unimported(t try, a *answered) outcome {
	results, _ := a.Data["results"].([]any)
	for _, result := range results {
		if one, _ := result.(map[string]any); one["ok"] != false {
			return hole
		}
	}
	if a.ok() && len(results) > 0 {
		return closedRefused
	}
	return refused(t, a)
}
