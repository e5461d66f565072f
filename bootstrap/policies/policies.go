// Package policies names the Vault policies that stand beside it, one file for each job, as scripts/policies.sh writes
// them.
package policies

// Mount is the path that the files speak of, and Prefix begins the names under which the script writes them, unless it
// is told otherwise.
const (
	Mount  = "apikeys"
	Prefix = "apikeys-"
)

// Named returns the names under which the policies of these jobs are written for [Mount].
func Named(jobs ...string) []string {
	names := make([]string, len(jobs))
	for i, job := range jobs {
		names[i] = Prefix + job
	}
	return names
}
