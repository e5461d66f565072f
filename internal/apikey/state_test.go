package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/secret"
)

// Which of several states of a version shows: the one judged first.
func TestVersionStatePrecedence(t *testing.T) {
	faults := []struct {
		state State
		apply func(*Key)
	}{
		{Destroyed, func(k *Key) { k.Versions[0].Secret = secret.Bytes{} }},
		{Revoked, func(k *Key) { k.Versions[0].RevokedAt = start }},
		{Revoked, func(k *Key) { k.RevokedAt = start }},
		{Disabled, func(k *Key) { k.Versions[0].DisabledAt = start }},
		{Disabled, func(k *Key) { k.DisabledAt = start }},
		{Disabled, func(k *Key) { k.DeletedAt = start }},
		{Expired, func(k *Key) { k.Versions[0].ExpiresAt = start }},
	}
	for set := range 1 << len(faults) {
		for _, versions := range []int{1, 2} {
			k := deep(rotated(newKey(), versions-1, start))
			want := Current
			if versions == 2 {
				want = Overlapping
			}
			for i := len(faults) - 1; i >= 0; i-- {
				if set>>i&1 == 1 {
					faults[i].apply(k)
					want = faults[i].state
				}
			}
			if got := k.VersionState(&k.Versions[0], start); got != want {
				t.Fatalf("faults %07b of %d versions: %s, want %s", set, versions, got, want)
			}
		}
	}
}

func TestKeyStatePrecedence(t *testing.T) {
	for set := range 8 {
		k, want := newKey(), Active
		if set&1 != 0 {
			k.DisabledAt, want = start, Disabled
		}
		if set&2 != 0 {
			k.RevokedAt, want = start, Revoked
		}
		if set&4 != 0 {
			k.DeletedAt, want = start, Deleted
		}
		if got := k.State(); got != want {
			t.Errorf("%03b: %s, want %s", set, got, want)
		}
	}
}

func TestExpiryIsExactToTheSecond(t *testing.T) {
	k := newKey(living(time.Hour))
	for _, row := range []struct {
		after time.Duration
		want  State
		sign  Verdict
	}{
		{0, Current, Valid},
		{time.Hour - time.Nanosecond, Current, Valid},
		{time.Hour, Expired, VerdictExpired},
		{time.Hour + time.Nanosecond, Expired, VerdictExpired},
	} {
		now := at(row.after)
		if got := k.VersionState(k.Newest(), now); got != row.want {
			t.Errorf("after %s: %s, want %s", row.after, got, row.want)
		}
		if (k.Current(now) != nil) != (row.want == Current) || (k.Live(now) == 1) != (row.want == Current) {
			t.Errorf("after %s: current %v, %d live", row.after, k.Current(now) != nil, k.Live(now))
		}
		if _, got := k.MaySign(acme(), now); got != row.sign {
			t.Errorf("after %s: signing is %s", row.after, got)
		}
	}
	if forever := newKey(living(0)); forever.VersionState(forever.Newest(), at(100_000*day)) != Current {
		t.Error("a version without expiry expired")
	}
}

func TestUnrevealed(t *testing.T) {
	k := newKey()
	known, _, err := k.Revealed(acme(), "", false, nobodyUsed, app, start)
	if err != nil || !k.Unrevealed(start) || known.Unrevealed(start) {
		t.Fatalf("before %t, after %t, %v", k.Unrevealed(start), known.Unrevealed(start), err)
	}
	if next := rotated(known, 1, at(day)); !next.Unrevealed(at(day)) {
		t.Error("a new version has reached somebody")
	}
	if k.Unrevealed(at(90 * day)) {
		t.Error("a key without a current version has nothing to reveal")
	}
}

func TestLookingUpAVersion(t *testing.T) {
	k := rotated(newKey(), 2, at(day))
	for n := 1; n <= 3; n++ {
		if v := k.Version(id(n)); v == nil || v.Number != n {
			t.Errorf("version %d: %v", n, v)
		}
	}
	if k.Version(id(4)) != nil || k.Version("") != nil {
		t.Error("a version that is not there")
	}
}
