package verify_test

import (
	"context"
	"errors"
	"fmt"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// inVault stands for a Vault server with the engine, where the tenant acme has two keys.
func inVault() (engine *clienttest.Engine, stop func()) { return vaulttest.Engine() }

// A message and its signature, judged by the engine. Many calls at once share its requests.
func ExampleVerifier() {
	engine, stop := inVault()
	defer stop()
	sender := engine.Reveal("acme", "internal/keys/webhooks")

	verifier, err := verify.NewVerifier(engine.Client(""), "apikeys/verify")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()
	for _, received := range []string{"order 17", "order 18"} {
		verdict, err := verifier.Verify(context.Background(), verify.Call{
			Message: received, Signature: signing.SignTagged(sender.ID, sender.Secret, []byte("order 17")),
		})
		switch {
		case errors.Is(err, verify.ErrUnavailable), errors.Is(err, verify.ErrBusy):
			fmt.Println("no verdict: have the sender sign anew, and try again later")
		case err != nil:
			fmt.Println(err)
		case verdict.Valid:
			fmt.Println(verdict.Code, "from", verdict.Tenant, verdict.Name)
		default:
			fmt.Println(verdict.Code)
		}
	}
	// Output:
	// valid from acme webhooks
	// bad_signature
}

// A gateway that asks Vault about each key once, and judges its calls itself. Mount and tenant have to allow it; a
// revocation takes as long to arrive as the mount's keyring_max_age says, 60 s unless it is changed. Whose keys are
// not handed out goes to Vault.
func ExampleKeyring() {
	engine, stop := inVault()
	defer stop()
	engine.AllowLocal("acme") // allow_local_verify, of the mount and of the tenant
	sender := engine.Reveal("acme", "internal/keys/webhooks")

	verifier, err := verify.NewVerifier(engine.Client(""), "apikeys/verify")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()
	keyring, err := verify.NewKeyring(engine.Client(""), "apikeys", verify.WithFallback(verifier))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keyring.Close()
	judge := func(message string) {
		verdict, err := keyring.Verify(context.Background(), verify.Call{
			Message: message, Signature: signing.SignTagged(sender.ID, sender.Secret, []byte("order 17")),
		})
		if err != nil { // no verdict, as with verify.ErrStale while Vault is away for longer than max_age
			fmt.Println(err)
			return
		}
		fmt.Println(verdict.Code, verdict.Tenant)
	}
	judge("order 17")
	engine.Away(true) // The key is known by now.
	judge("order 17")
	judge("order 18")
	// Output:
	// valid acme
	// valid acme
	// bad_signature
}
