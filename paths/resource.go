package paths

import (
	"context"
	"maps"

	"vault-plugin-secrets-apikeys/paths/field"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// resource is one URL with its operations.
type resource struct {
	scope       scope
	pattern     string // after the mount; on tenants' paths after tenants/<tenant> or my
	suffix      string // names the resource in the OpenAPI document
	fields      schema
	operations  operations
	synopsis    string
	description string
	anonymous   bool // answers do not carry the tenant
}

// operations are what the verbs do.
type operations map[logical.Operation]operation

// operation is what one verb does.
type operation struct {
	run     handler
	summary string
	answer  schema
}

// handler answers one operation of one path. It decodes, calls and encodes.
type handler func(ctx context.Context, r *request) (*logical.Response, error)

// scope says whose a path is.
type scope int

const (
	platform scope = iota // the provider's: closed to callers who belong to a tenant
	tenants               // a tenant's: tenants/<tenant>/… and my/…
)

func capture(name string) string { return "(?P<" + name + ">[^/]+)" }

// only returns the operations of a resource with one verb.
func only(verb logical.Operation, run handler, summary string, answer schema) operations {
	return operations{verb: {run, summary, answer}}
}

// plainText is the content type of answers that are not JSON.
const plainText = "text/plain; version=0.0.4; charset=utf-8"

// schema is what an answer or a set of fields looks like.
type schema = map[string]*framework.FieldSchema

func join(a, b schema) schema {
	all := make(schema, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

func text(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeString, description)
}

func number(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeInt64, description)
}

func flag(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeBool, description)
}

func stamp(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeTime, description)
}

func table(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeMap, description)
}

func rows(description string) *framework.FieldSchema {
	return field.Schema(framework.TypeSlice, description)
}

var answerTenant = schema{"tenant": text("The tenant.")}

func reply(data map[string]any) (*logical.Response, error) {
	return &logical.Response{Data: data}, nil
}

var casField = map[string]*framework.FieldSchema{
	"cas": field.Schema(framework.TypeInt,
		"The revision that the object must have for this change; 0: it must not exist. A lost race is a 409."),
}

var reasonField = schema{"reason": text("Why; it is kept and shown.")}
