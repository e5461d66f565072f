package store

import (
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// Every family of entries that is a location, with its path.
var locations = []struct {
	at     location
	path   string
	folder string
}{
	{location{family: familyConfig}, "config", ""},
	{location{family: familyTenants, tenant: "acme"}, "tenants/acme", "tenants/"},
	{
		location{familyKeys, "acme", apikey.External, "billing.v2_x"},
		"keys/acme/external/billing.v2_x",
		"keys/acme/external/",
	},
	{location{familyLeased, "acme", apikey.Internal, id(1)}, "leased/acme/internal/" + id(1), "leased/acme/internal/"},
	{location{familyRoles, "a-b", apikey.Internal, "agent"}, "roles/a-b/internal/agent", "roles/a-b/internal/"},
	{location{family: familyIDs, name: "imported_id-1"}, "ids/imported_id-1", "ids/"},
}

func TestPaths(t *testing.T) {
	for _, row := range locations {
		if got := row.at.path(); got != row.path {
			t.Errorf("%+v: path %s, want %s", row.at, got, row.path)
		}
		if at, ok := parsePath(row.path); !ok || at != row.at {
			t.Errorf("%s: parsed as %+v, %t", row.path, at, ok)
		}
		if got := row.at.folder(); row.folder != "" && got != row.folder {
			t.Errorf("%+v: folder %s, want %s", row.at, got, row.folder)
		}
	}
}

func TestPathsThatAreNoLocations(t *testing.T) {
	for _, path := range []string{
		"", "/", "configs", "config/", "config/x", "tenants", "tenants/a/b", "ids", "ids/a/b", "keys/acme/external",
		"keys/acme/external/a/b", "due/2026011510/00/keys:acme:external:billing", "tombs/" + id(1), "usage/1",
		"purged/ids/" + id(1), "purged/days/acme",
		"Keys/acme/external/a",
		"secrets/acme/external/a", " config",
	} {
		if at, ok := parsePath(path); ok {
			t.Errorf("%q is taken for %+v", path, at)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, row := range locations {
		f.Add(row.path)
	}
	f.Add("due/2026011510/00/keys:acme:external:billing")
	f.Add("keys//external/")
	f.Fuzz(func(t *testing.T, path string) {
		at, ok := parsePath(path)
		if !ok {
			return
		}
		if got := at.path(); got != path {
			t.Fatalf("%q is written back as %q", path, got)
		}
		if again, ok := parsePath(at.path()); !ok || again != at {
			t.Fatalf("%q is not the same location again", path)
		}
	})
}

func TestDuePath(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 59, 0, time.FixedZone("CET", 3600))
	billing := location{familyKeys, "acme", apikey.External, "billing"}
	for _, row := range []struct {
		at   location
		of   mark
		name string
	}{
		{billing, unmarked, "keys:acme:external:billing"},
		{billing, chore, "keys:acme:external:billing:c"},
		{billing, rotation(at.Add(day)), "keys:acme:external:billing:r202601030204"},
		{location{family: familyTenants, tenant: "acme"}, unmarked, "tenants:acme"},
	} {
		if got, want := duePath(at, row.at, row.of), "due/2026010202/04/"+row.name; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if at, of, ok := parseDueName(row.name); !ok || at != row.at || of != row.of {
			t.Errorf("%s: read as %+v %q, %t", row.name, at, of, ok)
		}
	}
	for _, name := range []string{
		"keys:acme:external:a:", "keys:acme:external:a:d", "keys:acme:external:a:r2026",
		"keys:acme:external:a:r202613010000",
		"keys:acme:external:a:c:c", "keys:acme:external:a:c/", "tenants:acme:c", "roles:acme:external:a:c",
	} {
		if at, _, ok := parseDueName(name); ok {
			t.Errorf("%q is taken for %+v", name, at)
		}
	}
	if earlier, later := duePath(start, locations[2].at, chore), duePath(
		start.Add(time.Minute),
		locations[2].at,
		chore,
	); earlier >= later {
		t.Error("due paths are not in the order of time")
	}
}

func TestSealWrappedAreTheFamiliesWithSecrets(t *testing.T) {
	for _, row := range locations {
		wrapped := false
		for _, prefix := range SealWrapped {
			wrapped = wrapped || strings.HasPrefix(row.path, prefix)
		}
		if want := row.at.family == familyKeys || row.at.family == familyLeased; wrapped != want {
			t.Errorf("%s: seal-wrapped %t, want %t", row.path, wrapped, want)
		}
	}
}
