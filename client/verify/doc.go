// Package verify judges signed calls, for servers that have a Vault token. Two types are a [Judge]:
//
//   - A [Verifier] asks the engine about each call: alone when it is idle, and in batches when it is busy. A revocation
//     is in force at once.
//   - A [Keyring] fetches each key now and then, where mount and tenant allow it, and judges by itself. A revocation is
//     in force within the engine's keyring_max_age.
//
// Give a judge the call as it was received, and look at the verdict:
//
//	verifier, err := verify.NewVerifier(vault, "apikeys/verify")
//	defer verifier.Close()
//	verdict, err := verifier.Verify(ctx, verify.Call{Request: head})
//	switch {
//	case err != nil:
//		// no verdict: answer 503
//	case verdict.Valid:
//		// verdict.Tenant and verdict.Name say who calls
//	case verdict.Code == verify.Replayed:
//		// the caller has to sign each call anew
//	}
//
// Package middleware does this for each request of an [net/http.Handler].
//
// # Errors
//
// An error is no verdict: answer it with 503, and the caller signs anew. A call that was judged once is a replay the
// second time, so neither judge asks Vault twice about one. [ErrUnavailable] is wrapped wherever Vault gave no answer,
// and [ErrUnknown] where its answer was lost.
//
// # Tokens
//
// A judge uses the token that its [api.Client] has at each question; the app renews it. A verifier's token needs the
// policy platform-verifier or tenant-verifier, a keyring's local-verifier.
//
// # Compatibility
//
// From version 1 on, programs that use this package keep compiling and working within a major version. A [Code] keeps
// its text, which is the engine's. Fields of [Verdict], codes and options may come, so treat a code that you do not
// know as no verdict.
package verify
