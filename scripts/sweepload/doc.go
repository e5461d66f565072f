// Package sweepload measures on a real server with raft what a sweep carries: how many keys it rotates in a minute, whether one
// tenant's work holds up another's, and how long a seal, a change of leader or an unload takes in the middle of it. `make
// sweepload` runs it by hand; the build tag sweepload keeps it out of everything else.
//
// Figures are printed. Only two things can fail: what was asked for does not happen at all, or something that Vault waits for
// takes over three seconds.
package sweepload
