package paths_test

import "vault-plugin-secrets-apikeys/test/enginetest"

// The engine in memory, by short names.
type (
	fields  = enginetest.Fields
	world   = enginetest.World
	person  = enginetest.Person
	answer  = enginetest.Answer
	holder  = enginetest.Holder
	lease   = enginetest.Lease
	cost    = enginetest.Cost
	vault   = enginetest.Vault
	failure = enginetest.Failure
)

const (
	billing    = enginetest.Billing
	aRecipient = enginetest.Recipient
	day        = enginetest.Day
	keyLife    = enginetest.KeyLife
	retained   = enginetest.Retained
	get        = enginetest.Get
	put        = enginetest.Put
	list       = enginetest.List
	del        = enginetest.Delete
)

var (
	alone      = enginetest.Alone
	app        = enginetest.App
	clocked    = enginetest.Clocked
	errStorage = enginetest.ErrStorage
	example    = enginetest.Example
	newAnswer  = enginetest.NewAnswer
	newWorld   = enginetest.New
	stamp      = enginetest.Stamp
	hasItem    = enginetest.HasItem
	wait       = enginetest.Wait
)
