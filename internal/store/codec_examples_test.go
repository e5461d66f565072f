package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Every field of the examples is set, so that a round trip shows every field that is not stored.
func TestExamplesLeaveNoFieldEmpty(t *testing.T) {
	for _, c := range codecs {
		if c.name == "claim" {
			continue // its location is compared as it is
		}
		var empty []string
		walkFields(c.name, reflect.ValueOf(c.full), func(path string) { empty = append(empty, path) })
		if c.name == "key" {
			empty = slices.DeleteFunc(
				empty,
				func(path string) bool { return path == "key.Lease" },
			) // a leased one has it
		}
		empty = slices.DeleteFunc(
			empty,
			func(path string) bool { return path == "node.split" || path == "split.uses" },
		) // each has one
		if len(empty) > 0 {
			t.Errorf("empty: %v; set them in the examples, and keep them in both directions", empty)
		}
	}
}

func walkFields(path string, v reflect.Value, empty func(string)) {
	if v.IsZero() {
		empty(path)
		return
	}
	leaf := v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[secret.Bytes]() ||
		v.Type().PkgPath() == reflect.TypeFor[match.Globs]().PkgPath()
	switch {
	case leaf:
	case v.Kind() == reflect.Pointer:
		walkFields(path, v.Elem(), empty)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			walkFields(path+"."+v.Type().Field(i).Name, v.Field(i), empty)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkFields(fmt.Sprintf("%s[%d]", path, i), v.Index(i), empty)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, c := range codecs {
		raw, err := c.encode(c.full)
		must(t, err)
		got, err := c.decode(c.at, raw)
		must(t, err)
		if diff := cmp.Diff(
			c.full,
			got,
			cmp.AllowUnexported(claim{}, location{}, storedDue{}, storedMark{}, node{}, storedPurges{}),
		); diff != "" {
			t.Errorf("%s (-written +read):\n%s", c.name, diff)
		}
	}
}

// Each file of testdata was written by a released version and is read for ever, and what
// is read is all there is: it is written back identically.
func TestStoredExamplesDecodeForEver(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	must(t, err)
	read := make(map[string]bool)
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		for _, c := range codecs {
			if c.name != name {
				continue
			}
			read[name] = true
			text, err := os.ReadFile(file)
			must(t, err)
			var raw bytes.Buffer
			must(t, json.Compact(&raw, text))
			v, err := c.decode(c.at, raw.Bytes())
			must(t, err)
			again, err := c.encode(v)
			must(t, err)
			if diff := cmp.Diff(raw.String(), string(again)); diff != "" {
				t.Errorf("%s is written back differently (-file +now):\n%s", file, diff)
			}
		}
		if !read[name] {
			t.Errorf("nothing reads %s", file)
		}
	}
	for _, c := range codecs {
		if !read[c.name] {
			t.Errorf("no example of a %s", c.name)
		}
	}
}

// What was written before there was a setting has its default.
func TestSettingsThatAreNotStoredYet(t *testing.T) {
	c, err := decodeConfig(location{family: familyConfig}, []byte(`{"schema":1}`))
	must(t, err)
	if of := tenant.DefaultConfig(); c.ReplayTotal != of.ReplayTotal || c.KeyringMaxAge != of.KeyringMaxAge ||
		c.StaticTTL != of.StaticTTL || c.AllowPurge != of.AllowPurge {
		t.Errorf("%d, %s, %s, %t", c.ReplayTotal, c.KeyringMaxAge, c.StaticTTL, c.AllowPurge)
	}
}

func TestErasedSecretsAreNotStored(t *testing.T) {
	k := fullKey()
	k.Versions[0].Secret = secret.Bytes{}
	raw, err := encodeKey(k)
	must(t, err)
	if n := strings.Count(string(raw), `"secret"`); n != 1 {
		t.Errorf("%d secrets of two versions, one erased", n)
	}
	got, err := decodeKey(locations[2].at, raw)
	must(t, err)
	if !got.Versions[0].Secret.Erased() || got.Versions[1].Secret.Erased() {
		t.Error("an erased secret came back, or the other is gone")
	}
}

func fullLeased() *apikey.Key {
	k := fullKey()
	k.Ref = apikey.Ref{Tenant: "acme", Kind: apikey.Internal, Name: "agent"}
	k.Versions = k.Versions[:1]
	k.Lease = &apikey.Lease{Epoch: 3, EndedAt: after(50)}
	return k
}
