package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestOnlyDeletedKeysArePurged(t *testing.T) {
	k := newKey()
	for name, live := range map[string]*Key{
		"active": k, "disabled": must(k.Disable("", "", admin, start)), "revoked": must(k.Revoke("", "", admin, start)),
		"restored": must(must(k.Delete(admin, start)).Restore(retention, admin, start)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := live.Purge("mistake", admin, at(day))
			refusedAs(t, err, refusal.Invalid, "purge:")
		})
	}
	gone := must(k.Delete(admin, start))
	for name, dead := range map[string]*Key{
		"deleted": gone, "deleted and revoked": must(gone.Revoke("", "leaked", admin, start)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := dead.Purge("mistake", admin, at(day).Add(time.Millisecond))
			want := Purged{At: at(day), By: admin, Reason: "mistake"}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

func TestPurgedKeysAreForgotten(t *testing.T) {
	p := Purged{At: at(day)}
	for _, row := range []struct {
		after time.Duration
		told  bool
	}{{0, true}, {retention - 1, true}, {retention, false}, {retention + time.Second, false}} {
		if got := !p.Forgotten(retention, p.At.Add(row.after)); got != row.told {
			t.Errorf("after %s it is told: %t", row.after, got)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	if diff := cmp.Diff([]string{id(1), id(2)}, rotated(newKey(), 1, at(day)).KeyIDs()); diff != "" {
		t.Error(diff)
	}
}
