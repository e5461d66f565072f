// Package hostile has several tenants and strangers send what costs the plugin most memory, on a real server, for
// MINUTES, and holds the plugin's peak against what GOMEMLIMIT tells it to keep to. `make hostile` runs it by hand; the
// build tag hostile keeps it out of everything else.
//
// Meanwhile another tenant's calls are judged, one after the other: each has to be found valid.
package hostile
