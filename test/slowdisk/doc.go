// Package slowdisk tries whether an answered change is in force, on a real server whose disk is slow. `make slowdisk`
// runs it by hand, as it takes minutes and needs strace; the build tag slowdisk keeps it out of everything else.
//
// The server stores with raft and caches nothing, and each of its fsyncs is made to last by strace's fault injection.
// For each kind of change there are a few subjects: keys, leased keys, roles and tenants. Callers ask for the change
// and go away at random, most while it is being written, and ask again; others have the subject's calls judged and read
// its record all the while, so that what is stored is cached whenever it may be. Once a caller has got an answer, every
// verdict that is asked for from then on has to be the new one.
package slowdisk
