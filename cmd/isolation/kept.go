package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// kept checks, when all else was tried, that a tenant's answers hold: what it was told to be disabled is so, told once
// or twice, and the use of its keys is still known.
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

// usesKept looks for the use of a key that the engine has told to be valid.
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

// inForce disables a key, as often as twice, and has a call of it verified each time.
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
			return nil // nobody here may, and nothing was answered that could hold
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
