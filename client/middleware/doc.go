// Package middleware lets signed calls through to an [http.Handler], and answers all others with problem details (RFC
// 9457). It asks a [judge.Judge] about each call: a Verifier or a Keyring of package verify, or one of your own. It
// needs no Vault itself.
//
//	verifier, err := verify.NewVerifier(vault, "apikeys/verify")
//	gate := middleware.New(verifier, middleware.WithSignedBody())
//	err = http.ListenAndServeTLS(":443", cert, key, gate(handler))
//
// A handler behind it finds the caller with [PrincipalFrom]:
//
//	who, _ := middleware.PrincipalFrom(r.Context())
//
// # What is judged
//
// The call as received: method, target, Host, and of the headers those that a signature can be in or that it covers,
// sorted by name because net/http does not keep their order. The judge does not see other headers, such as cookies and
// bearer tokens.
//
// # What reaches the handler
//
// What reaches the handler was signed as far as the scheme signs it. With rfc9421 that is method, host, path, query and
// body. With vrnt-1 it is method, path and the Verint- headers, but not the query, the host or the body. Neither signs
// other headers, unless an rfc9421 call covers them. A Verint- header that is not covered is always removed, and so are
// Verint- trailers. [WithSignedHeadersOnly] removes every header that is not signed.
//
// A body whose digest is signed is read whole, and checked, before the handler runs. [http.Server.ReadTimeout] bounds
// how slowly it may come. Answers are not touched: streaming, hijacking and [http.ResponseController] work as without
// the middleware.
//
// # Compatibility
//
// From version 1 on, programs that use this package keep compiling and working within a major version. The status and
// the code of a [Problem] belong to that promise; its title and detail are for people and may change. New codes, fields
// and options may come.
package middleware
