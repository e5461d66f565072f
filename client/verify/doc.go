// Package verify judges signed calls for servers that have a Vault token. A [Verifier] asks the engine about each call;
// a [Keyring] fetches keys and judges by itself.
package verify
