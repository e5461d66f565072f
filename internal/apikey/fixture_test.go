package apikey

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

const day = 24 * time.Hour

// keep is a policy that erases and nothing else.
var keep = Policy{Retention: retention}

var (
	start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	admin = Actor{EntityID: "entity-of-admin", Accessor: "accessor-1", RequestID: "request-1"}
	app   = Actor{EntityID: "entity-of-app", Accessor: "accessor-2", RequestID: "request-2", Name: "app"}
)

func acme() *tenant.Tenant {
	return &tenant.Tenant{Name: "acme", UID: "uid-of-acme", CreatedAt: start}
}

func suspended() *tenant.Tenant {
	t := acme()
	t.SuspendedAt = start
	return t
}

// settings are those of a key of 90 days with 7 days of overlap.
func settings(change ...func(*Settings)) Settings {
	s := Settings{
		Scheme:      signing.HMACSHA256,
		TTL:         90 * day,
		Overlap:     7 * day,
		OverlapFrom: OverlapGiven,
		Reveal:      RevealOnce,
		Replay:      true,
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func rotating(s *Settings)                { s.AutoRotate = true }
func living(ttl time.Duration) setting    { return func(s *Settings) { s.TTL = ttl } }
func overlap(d time.Duration) setting     { return func(s *Settings) { s.Overlap = d } }
func overlapFrom(d time.Duration) setting { return func(s *Settings) { s.OverlapFrom = d } }
func revealing(mode RevealMode) setting   { return func(s *Settings) { s.Reveal = mode } }
func protected(s *Settings)               { s.DeletionProtected = true }
func id(n int) string {
	return "KEYID00000000000"[:12] + string([]byte{'0', base62[n/62/62%62], base62[n/62%62], base62[n%62]})
}
func at(after time.Duration) time.Time   { return start.Add(after) }
func numbered(k *Key, number int) string { return k.Versions[number-1].KeyID }

type setting = func(*Settings)

// must stands for "this step is allowed, and not what is tested".
func must(k *Key, err error) *Key {
	if err != nil {
		panic(err)
	}
	return k
}

// newKey returns a key called billing, made at start, whose first version is id(1).
func newKey(change ...setting) *Key {
	s := settings(change...)
	s.Metadata = PairsOf(map[string]string{"team": "blue"})
	return New(Ref{Tenant: "acme", Kind: External, Name: "billing"}, "uid-of-acme", s, id(1), admin, start)
}

// rotated returns k after n rotations at now, each with the key's own overlap and life.
func rotated(k *Key, n int, now time.Time) *Key {
	for range n {
		k = must(k.Rotate(Rotation{NewKeyID: id(k.Newest().Number + 1), Overlap: k.Overlap, Life: k.TTL}, admin, now))
	}
	return k
}

// role is a role whose keys live 1 h, and 24 h with renewals.
func role() *Role {
	return &Role{
		Tenant:    "acme",
		Kind:      Internal,
		Name:      "agent",
		UID:       "uid-of-acme",
		Scheme:    signing.HMACSHA256,
		TTL:       time.Hour,
		MaxTTL:    24 * time.Hour,
		Replay:    true,
		Metadata:  PairsOf(map[string]string{"team": "red"}),
		CreatedAt: start,
	}
}

func span() Span { return Span{TTL: time.Hour, Max: 24 * time.Hour, By: "the role's max_ttl"} }

func leased() *Key { return role().Issue(id(1), span(), app, start) }

// deep returns a copy of k that shares nothing with it but secrets, which cannot change.
func deep(k *Key) *Key {
	c := *k
	c.Versions = slices.Clone(k.Versions)
	c.History = slices.Clone(k.History)
	if k.Lease != nil {
		lease := *k.Lease
		c.Lease = &lease
	}
	return &c
}

// refusedAs fails the test unless err is of the kind and its text begins with what.
func refusedAs(t *testing.T, err, kind error, what string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.HasPrefix(err.Error(), what) {
		t.Errorf("%v, want a refusal (%v) of %q", err, kind, what)
	}
}

// states returns the states of k's versions, oldest first.
func states(k *Key, now time.Time) []State {
	all := make([]State, len(k.Versions))
	for i := range k.Versions {
		all[i] = k.VersionState(&k.Versions[i], now)
	}
	return all
}

// lenient returns rules that let variants in, one a line.
func lenient(variants tenant.Lines) Interned[Rules] {
	return Intern(Rules{Limits: Limits{Compat: variants}})
}
