// Package sweepload measures on a real server with raft what a sweep carries: how many keys it rotates in a minute,
// whether one tenant's work holds up another's, and how long a seal, a change of leader or an unload takes in the
// middle of it. `make sweepload` runs it by hand; the build tag sweepload keeps it out of everything else.
//
// Figures are printed. Three things fail: what was asked for does not happen at all, a key ends without a successor, or
// something that Vault waits for takes over three seconds. More KEYS than a server carries fail for that reason, and so
// does a PLUGIN that carries less.
package sweepload
