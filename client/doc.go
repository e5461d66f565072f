// Package client signs calls for apps that have a Vault token. A [Source] is a [signing.Signer] that always has a good
// key:
//
//   - [NewLease]: a key of the app's own under a lease, which is renewed, and replaced before it ends;
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
// A [Lease] and a [Static] sign without asking anybody, and go on while Vault is away until their key ends; then
// signing fails with [ErrExpired]. Each keeps one goroutine, which Close ends. Neither prints a secret, nor names one
// in an error.
//
// # Other packages
//
// Servers find what they need beside this package: package verify judges calls, and package middleware puts a judge
// before an [http.Handler]. Package clienttest has the engine in memory, for the tests of both.
//
// # Tokens
//
// The app renews the token of its [api.Client], and logs in again when it must. A token set on the client is used from
// the next question on. When a token ends, Vault ends its leases with it: a [Lease] whose token was replaced in time
// takes another key when it next has to, or when a call is refused.
//
// # Vault Agent and Vault Proxy
//
// [FromEnv] reads the token file that an Agent keeps. All three sources work through the listener of either. Only a
// [Lease] does not work through a cache, which would answer with the key that is to be replaced; a Lease says so.
//
// # Compatibility
//
// From version 1 on, programs that use this package keep compiling and working within a major version. Options, methods
// of the concrete types and wrapped errors may come; the texts of errors and of the log may change.
package client
