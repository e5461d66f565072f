// Package client signs calls for apps that have a Vault token, and judges calls for servers that have one. A [Source] is a [signing.Signer] that always has a good key:
//
//   - [NewLease]: a key of the app's own under a lease, renewed, and replaced before it ends;
//   - [NewStatic]: the current version of a key that others rotate, read again when it has changed;
//   - [NewRemote]: Vault signs each call, and the secret stays inside.
//
// With a [signing.Transport] around it, an [http.Client] signs all that it sends:
//
//	vault, err := client.FromEnv("")
//	source, err := client.NewLease(ctx, vault, "apikeys/tenants/acme/external/creds/billing")
//	defer source.Close()
//	calls := &http.Client{Transport: &signing.Transport{
//		Signer: source, Hosts: []string{"api.example"}, Refused: source.Report,
//	}}
//
// The first two sign without asking anybody, and go on while Vault is away until their key ends; then signing fails with
// [ErrExpired]. Each keeps one goroutine, which Close ends. Neither prints a secret, nor names one in an error.
//
// # Servers
//
// A [Judge] says who signed a call, and whether it is good. A [Verifier] asks the engine: alone when it is idle, and in
// batches when it is busy. A [Keyring] knows the keys, where mount and tenant allow it, and asks nobody; what it costs is
// with it. A [Middleware] puts a judge before an [http.Handler]:
//
//	verifier, err := client.NewVerifier(vault, "apikeys/verify", client.VerifierOptions{})
//	defer verifier.Close()
//	gate := client.Middleware{Judge: verifier}
//	err = http.ListenAndServeTLS(":443", cert, key, gate.Wrap(handler))
//
// An error of a judge is no verdict: answer it with 503, and have the caller sign anew. A call that was judged once is a
// replay the second time, so neither of them asks twice.
//
// # Tokens
//
// Renewing the token of the [api.Client] is the app's business, and so is logging in again. A token set on it is used from the next
// question on. When a token ends, Vault ends its leases with it: a [Lease] whose token was replaced in time takes
// another key when it next has to, or when a call is refused.
//
// # Vault Agent and Vault Proxy
//
// [FromEnv] reads the token file that an Agent keeps. Through the listener of either, all three work; a [Lease] not through
// one that caches: it would answer with the key that is to be replaced, and a Lease says so.
package client
