// Package cluster drives a cluster of three real servers with the plugin mounted, kills its leader by its process ID
// again and again, and accounts for every key in the end. `make cluster` runs it; the build tag cluster keeps it out of
// everything else.
//
// Several clients ask whichever node they like, and try another when one fails them: some make keys, rotate and revoke
// them by hand, have Vault sign and sign themselves, verify, send calls again and forge them; others take leased keys,
// renew and give them back or let them end; others watch keys that nobody but the schedule rotates. Each request is one
// event of a history, written to build/cluster/history.jsonl without any secret. When the last leader has led long
// enough the clients stop, and the accountant asks about all there is. What the history must keep to, package history
// knows and says.
//
// Beside them, apps of another tenant sign without a pause with the sources of package client, and gateways judge their
// calls with its Verifier and its Keyring, all through a load balancer, while their keys are rotated, their token
// renewed and a lease revoked. No app with a key in its hands ever fails to sign, no call is refused that a correct
// client could have had accepted, and no gateway finds a wrong verdict. Some leases near their max_ttl when a leader is
// killed, and some answers with a new lease are lost.
//
// A leader's first tick, on which the schedule runs, comes 60 s after it has begun to lead. So every leader leads for
// [term] before it is killed, and keys are made whose rotation falls due within it.
package cluster
