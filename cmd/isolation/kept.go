package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// kept checks, after all other tries, that answers to a tenant still hold: a key reported as disabled is
// disabled, and the use of its keys is still recorded.
func (r *run) kept(ctx context.Context, p *party) error {
	w := r.wall("what " + p.Name + " was answered")
	for _, made := range p.probes {
		if err := r.usesKept(ctx, w, p, made); err != nil {
			return err
		}
		if err := r.inForce(ctx, w, p, made); err != nil {
			return err
		}
	}
	return nil
}

// usesKept checks that the use of a key is recorded if the engine has found its call valid.
func (r *run) usesKept(ctx context.Context, w *wall, p *party, made *probe) error {
	if !made.used {
		return nil
	}
	key := "my/" + made.kind + "/keys/" + r.probe
	for _, who := range p.Callers {
		err := r.tryAll(ctx, w, []try{{who, http.MethodGet, key, nil}}, func(t try, a *answered) outcome {
			if !a.ok() {
				return outside(t, a)
			}
			versions, _ := a.Data["versions"].([]any)
			if slices.ContainsFunc(versions, wasUsed) {
				return closedRefused
			}
			return hole
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func wasUsed(version any) bool {
	v, _ := version.(map[string]any)
	at, _ := v["last_used_at"].(string)
	return at != ""
}

// inForce disables and enables a key, each twice, and has one of its calls verified after each change.
func (r *run) inForce(ctx context.Context, w *wall, p *party, made *probe) error {
	body := call(made.keyID, made.secret)
	if body == nil {
		return nil
	}
	key := "/" + made.kind + "/keys/" + r.probe
	for _, change := range []struct{ path, means string }{
		{"/disable", "disabled"}, {"/disable", "disabled"}, {"/enable", "valid"}, {"/enable", "valid"},
	} {
		a, err := r.first(ctx, p, http.MethodPost, nil, p.own(key+change.path)...)
		if err != nil {
			return err
		}
		if !a.ok() {
			return nil // no caller may change keys, so there is no answer to check
		}
		for _, who := range p.Callers {
			err := r.tryAll(
				ctx,
				w,
				[]try{{who, http.MethodPatch, "my/verify", body}},
				func(t try, a *answered) outcome {
					switch {
					case !a.ok():
						return outside(t, a)
					case a.text("verdict") != change.means:
						return hole
					default:
						return closedRefused
					}
				},
			)
			if err != nil {
				return fmt.Errorf("%s: %w", change.path, err)
			}
		}
	}
	return nil
}
