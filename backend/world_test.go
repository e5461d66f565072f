package backend_test

import "vault-plugin-secrets-apikeys/test/enginetest"

// The engine in memory, by short names.
type (
	fields  = enginetest.Fields
	world   = enginetest.World
	person  = enginetest.Person
	holder  = enginetest.Holder
	lease   = enginetest.Lease
	cost    = enginetest.Cost
	vault   = enginetest.Vault
	storage = enginetest.Storage
	failure = enginetest.Failure
)

const (
	billing    = enginetest.Billing
	aRecipient = enginetest.Recipient
	day        = enginetest.Day
	keyLife    = enginetest.KeyLife
	retained   = enginetest.Retained
	rotateLap  = enginetest.RotateLap
	get        = enginetest.Get
	put        = enginetest.Put
	list       = enginetest.List
	del        = enginetest.Delete
)

var (
	alone      = enginetest.Alone
	app        = enginetest.App
	capture    = enginetest.Capture
	clocked    = enginetest.Clocked
	errStorage = enginetest.ErrStorage
	example    = enginetest.Example
	instant    = enginetest.Instant
	newAnswer  = enginetest.NewAnswer
	newWorld   = enginetest.New
	scheduled  = enginetest.Scheduled
	stamp      = enginetest.Stamp
	until      = enginetest.Until
	wait       = enginetest.Wait
)
