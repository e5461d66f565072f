// Package policies holds the Vault policies of the engine mounted at apikeys/, one file for each job.
package policies

import "embed"

// Files holds the policies as NAME.hcl.
//
//go:embed *.hcl
var Files embed.FS
