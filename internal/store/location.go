package store

import (
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// The families of entries. Each is the first part of the entries' paths.
const (
	familyConfig  = "config"
	familyTenants = "tenants"
	familyKeys    = "keys"
	familyLeased  = "leased"
	familyRoles   = "roles"
	familyIDs     = "ids"
	familyDue     = "due"
	familyUsage   = "usage"
	familyMark    = "mark" // the store that collects uses
	familyTombs   = "tombs"
	familyPurged  = "purged" // ids/<key_id>, days/<tenant>: see [Store.MarkPurged]
)

// SealWrapped are the prefixes of the entries that hold secrets.
var SealWrapped = []string{familyKeys + "/", familyLeased + "/"}

// location is the place of one entry: config, tenants/<tenant>, ids/<key_id>, or
// <family>/<tenant>/<kind>/<name>.
type location struct {
	family string
	tenant tenant.Name
	kind   apikey.Kind
	name   string // of the key or role; the key ID for a leased key or an ids entry
}

// path returns the storage path.
func (l location) path() string {
	switch l.family {
	case familyConfig:
		return familyConfig
	case familyTenants:
		return familyTenants + "/" + string(l.tenant)
	case familyIDs:
		return familyIDs + "/" + l.name
	default:
		return l.folder() + l.name
	}
}

// owner returns the tenant whose entry it is; "": the provider's.
func (l location) owner() tenant.Name {
	switch l.family {
	case familyKeys, familyLeased, familyRoles:
		return l.tenant
	default:
		return ""
	}
}

// folder returns the prefix of l and its siblings.
func (l location) folder() string {
	switch l.family {
	case familyTenants, familyIDs:
		return l.family + "/"
	default:
		return l.family + "/" + string(l.tenant) + "/" + string(l.kind) + "/"
	}
}

// parsePath parses a result of path. Due entries and other paths are not locations.
func parsePath(path string) (location, bool) {
	part := strings.Split(path, "/")
	switch {
	case path == familyConfig:
		return location{family: familyConfig}, true
	case len(part) == 2 && part[0] == familyTenants:
		return location{family: part[0], tenant: tenant.Name(part[1])}, true
	case len(part) == 2 && part[0] == familyIDs:
		return location{family: part[0], name: part[1]}, true
	case len(part) == 4 && (part[0] == familyKeys || part[0] == familyLeased || part[0] == familyRoles):
		return location{part[0], tenant.Name(part[1]), apikey.Kind(part[2]), part[3]}, true
	default:
		return location{}, false
	}
}

// dueFolder returns the prefix of the entries of records that are due in a minute: due/<yyyymmddhh>/<mm>/, in UTC.
func dueFolder(minute time.Time) string {
	return familyDue + "/" + minute.UTC().Format("2006010215/04") + "/"
}

// duePath returns the path of a due entry: in its folder, the record's path with colons instead of slashes, and its
// mark. So one list returns all entries of a minute and what they are about.
func duePath(minute time.Time, at location, of mark) string {
	path := dueFolder(minute) + strings.ReplaceAll(at.path(), "/", ":")
	if of != unmarked {
		path += ":" + string(of)
	}
	return path
}

// parseDueName parses the last part of a result of duePath.
func parseDueName(name string) (location, mark, bool) {
	var of mark
	if part := strings.Split(name, ":"); len(part) == 5 {
		of = mark(part[4])
		name = strings.Join(part[:4], ":")
		if !of.valid() {
			return location{}, "", false
		}
	}
	at, ok := parsePath(strings.ReplaceAll(name, ":", "/"))
	switch at.family {
	case familyTenants, familyKeys, familyLeased:
		return at, of, ok && !strings.Contains(name, "/")
	default:
		return location{}, "", false
	}
}

// parseMinute parses the two folders below due/: the hour, and the minute.
func parseMinute(hour, minute string) (time.Time, bool) {
	t, err := time.ParseInLocation("2006010215/04/", hour+minute, time.UTC)
	return t, err == nil && dueFolder(t) == familyDue+"/"+hour+minute
}
