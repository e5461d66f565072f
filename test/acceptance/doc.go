// Package acceptance runs transcripts of the server's own CLI against a real server with the plugin, and tests that
// need a server of their own. `make accept` runs it; the build tag acceptance keeps it out of everything else.
//
// A transcript is a file testdata/NAME.txtar in the language of testscript. It gets two tenants of its own, named by
// $TENANT_A and $TENANT_B, so it runs beside the others and never meets them. One is enough for most:
//
//	# acme's admin makes a key, and the answer says whose it is.
//	as a-admin vault write apikeys/my/external/keys/billing scheme=vrnt-1
//	answer tenant $TENANT_A
//	capture KID current_key_id
//
//	# A viewer may not take it.
//	! as a-viewer vault write -f apikeys/my/external/keys/billing/reveal
//	stderr 'permission denied'
//
//	as a-admin vault write -f -format=json apikeys/my/external/keys/billing/reveal > key.json
//	signcall key.json GET /wfo/v1/agents > call.http
//	as gateway vault write apikeys/verify request=@call.http
//	answer verdict valid
//	answer key_id $KID
//	! answer successor_key_id
//
// The commands beside testscript's own:
//
//   - [!] as WHO COMMAND [ARG]... [> FILE]: runs a command with the token of WHO: spa, operator, monitor, gateway,
//     local-gateway or migrator; of tenant A or B a-admin, b-viewer and so on (tour.Staff has them all); root; or
//     nobody, who has no token. They are enrolled when first named. An answer that holds a secret must go to a file,
//     and no log of the server may ever hold it.
//   - signcall [-age DURATION] [-H HEADER]... KEYFILE METHOD TARGET [> FILE]: signs a call, in the scheme of the key in
//     an answer that went to KEYFILE (bootstrap/tour/sign).
//   - [!] answer FIELD [VALUE]: the last answer has the field, with the value if one is given. Of an answer in JSON a
//     nested field is named as versions.0.key_id; lease_id and lease_duration are fields in either form.
//   - capture NAME FIELD [FILE]: sets the variable NAME to a field of the last answer, or of the one in FILE.
//   - identity age|ssh NAME FILE: makes a holder's own key, an age one or one of ssh-ed25519, in FILE, and sets the
//     variable NAME to the recipient that goes with it.
//   - [!] unseal IDENTITY ANSWER > FILE: opens what the answer in the file ANSWER holds sealed, which must not be in it
//     in clear as well.
//   - eventually FIELD VALUE as WHO COMMAND [ARG]...: runs the command until its answer has the field with the value,
//     for what the server does in its own time.
//
// A transcript in testdata/mount changes the mount's settings: those run on a server of their own, and each leaves the
// settings as it found them, or such that the others do not mind.
//
// What the documents have people type is played as it stands there, block by block, on a server for each document:
// plays opens one for a test, which names what stands in it for something else, such as a path, an address or a day to
// come, and goes through the blocks that name the test. Between them it does what the text takes for done.
//
// Tables of many requests are tests in Go: a caller acts as somebody, over plain HTTP. What such a test asks for is
// guarded in the same way. A test that seals the server, kills the plugin or changes the mount's settings starts a
// server of its own with ownWorld, which opens tenants and knows their people as the shared one does. So does one that
// waits for what Vault has the engine do once a minute; it takes minutes, during which the others go on. When the tests
// are over, no log of a server may hold a secret in any form, and no lease may be beyond revoking.
package acceptance
