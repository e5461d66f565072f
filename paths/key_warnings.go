package paths

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// slowestTick is how long a due rotation may have to wait in good order, with room.
const slowestTick = 3 * time.Minute

// briefLife is the life of a named key below which a unit was likely forgotten.
const briefLife = time.Hour

// warnWritten warns of settings, of a key or of one just made, that were likely meant otherwise.
func (r *request) warnWritten(k *apikey.Key, made bool) {
	if k.AutoRotate && k.Reveal == apikey.RevealOnce && k.Rules.Get().Recipients == "" {
		r.warn("auto_rotate with reveal=once: somebody has to reveal each new version before the old one ends; " +
			"reveal=always lets apps fetch it, and recipients let its holder")
	}
	overlap := k.HeldOverlap()
	if k.AutoRotate && overlap < slowestTick {
		r.warn("overlap: Vault asks what is due once a minute; with less than %s the old version may end before the "+
			"new one is made", tenant.Spell(slowestTick))
	}
	if k.Reveal == apikey.RevealAlways {
		if needed, short := apikey.ShortOverlap(overlap, r.config.RereadAfter()); short {
			r.warn("overlap: %s is short of the %s in which apps that read static-creds again when told fetch a new "+
				"version; they may go on with one that has ended", tenant.Spell(overlap), tenant.Spell(needed))
		}
	}
	if made {
		r.warnWindow(k, k.FirstLife(k.CreatedAt))
		r.warnDate(k)
	}
	if !field.Resets(r.Data["ttl"]) && k.TTL > 0 && k.TTL < briefLife {
		r.warn("ttl: versions of this key live for %s; a number without a unit is seconds: write 90d for days",
			tenant.Spell(k.TTL))
	}
}

// warnWindow warns when the newest version ends before its life does, or cannot.
func (r *request) warnWindow(k *apikey.Key, life time.Duration) {
	v := k.Newest()
	full := v.IssuedAt.Add(life)
	switch {
	case k.Window() == "" || life == 0:
	case v.ExpiresAt.Before(full):
		r.warn(
			"expires_at of version %s was cut back from %s to %s by expiry_window",
			v.KeyID,
			field.RFC3339(full),
			field.RFC3339(v.ExpiresAt),
		)
	case !k.Window().Holds(v.ExpiresAt):
		r.warn(
			"expires_at of version %s is outside expiry_window, which has no moment that leaves half of the ttl and "+
				"twice the overlap",
			v.KeyID,
		)
	}
}

// warnCutOverlaps names the versions that only a window ends before the overlap is over.
func (r *request) warnCutOverlaps(old, rotated *apikey.Key, overlap time.Duration) {
	full := rotated.LastRotation.Add(overlap)
	for i := range old.Versions {
		was := &old.Versions[i]
		v := rotated.Version(was.KeyID)
		if v != nil && !v.ExpiresAt.Equal(was.ExpiresAt) && v.ExpiresAt.Before(full) {
			r.warn("expires_at of version %s was cut back from %s, the end of the overlap, to %s by expiry_window",
				v.KeyID, field.RFC3339(full), field.RFC3339(v.ExpiresAt))
		}
	}
}

// warnOverlap warns that apps may still hold the version before the newest when it has ended.
func (r *request) warnOverlap(k *apikey.Key) {
	v := k.Version(k.Newest().RotatedFrom)
	if k.Reveal != apikey.RevealAlways || v == nil {
		return
	}
	if needed, short := apikey.ShortOverlap(v.ExpiresAt.Sub(k.LastRotation), r.config.RereadAfter()); short {
		r.warn(
			"version %s ends at %s; apps that read static-creds again when told may hold it for up to %s from now",
			v.KeyID,
			field.RFC3339(v.ExpiresAt),
			tenant.Spell(needed),
		)
	}
}

// warnDate says what a date given to a key just made does not end, and which default it overrides.
func (r *request) warnDate(k *apikey.Key) {
	switch {
	case k.Date.Get().IsZero():
	case k.AutoRotate:
		r.warn("expires_at: ends the first version alone; by auto_rotate its successor is made at %s",
			field.RFC3339(k.NextRotation()))
	case apikey.DefaultSettings(k.Kind, r.config).AutoRotate && field.Resets(r.Data["auto_rotate"]):
		r.warn("auto_rotate: is false because expires_at is given; the mount's default is true")
	}
}

// warnPastDate says that a key goes on after the date given to its first version.
func (r *request) warnPastDate(k *apikey.Key) {
	date, v := k.Date.Get(), k.Newest()
	if !date.IsZero() && (v.ExpiresAt.IsZero() || v.ExpiresAt.After(date)) {
		r.warn("expires_at: the new version %s goes on after %s, which was given for the first one; expire ends it "+
			"earlier", v.KeyID, field.RFC3339(date))
	}
}

// warnTTL says when the version ends that a changed ttl does not count for, and what moves that.
func (r *request) warnTTL(was, k *apikey.Key) {
	if was == nil || was.TTL == k.TTL {
		return
	}
	const later = "ttl: counts for versions made afterwards; "
	switch v := k.Current(r.now); {
	case v == nil:
		r.warn(later + "there is no current version, and rotate makes one")
	case v.ExpiresAt.IsZero():
		r.warn(later+"the current one, %s, has no end; expire gives it one", v.KeyID)
	default:
		r.warn(later+"the current one, %s, ends at %s; expire moves that earlier, and extend later",
			v.KeyID, field.RFC3339(v.ExpiresAt))
	}
}
