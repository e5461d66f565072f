// Package ha drives a cluster of three real servers with the plugin mounted, kills its leader by its process ID again and
// again, and accounts for every key in the end. `make ha` runs it; the build tag ha keeps it out of everything else.
//
// Several clients ask whichever node they like, and try another when one fails them: some make keys, rotate and revoke them
// by hand, have Vault sign and sign themselves, verify, send calls again and forge them; others take leased keys, renew and
// give them back or let them end; others watch keys that nobody but the schedule rotates. Each request is one event of a
// history, written to build/ha/history.jsonl without any secret. When the last leader has led long enough the clients stop,
// and the accountant asks about all there is. What the history must keep to, package history knows and says.
//
// A leader's first tick, on which the schedule runs, comes 60 s after it has begun to lead. So every leader leads for [term]
// before it is killed, and keys are made whose rotation falls due within it.
package ha
