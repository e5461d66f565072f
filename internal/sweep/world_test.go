package sweep_test

import "vault-plugin-secrets-apikeys/test/enginetest"

// The engine in memory, by short names.
type (
	fields  = enginetest.Fields
	world   = enginetest.World
	person  = enginetest.Person
	holder  = enginetest.Holder
	lease   = enginetest.Lease
	cost    = enginetest.Cost
	storage = enginetest.Storage
	failure = enginetest.Failure
)

const (
	billing    = enginetest.Billing
	day        = enginetest.Day
	keyLife    = enginetest.KeyLife
	retained   = enginetest.Retained
	rotateLap  = enginetest.RotateLap
	rotateLead = enginetest.RotateLead
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
	instant    = enginetest.Instant
	newWorld   = enginetest.New
	scheduled  = enginetest.Scheduled
	stamp      = enginetest.Stamp
	hasItem    = enginetest.HasItem
	until      = enginetest.Until
	wait       = enginetest.Wait
)
