// Package field describes, parses and shows what callers may write. A value is refused by the name of its field. A
// [Setting] is a field that can be read back: which part of a T it is, how it is parsed and how it is shown stand in
// one place, and a table of settings says all that can be written of a T.
package field

import (
	"maps"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
)

// Setting is one field of a T that a caller may write and read back.
type Setting[T any] struct {
	Name   string
	Schema *framework.FieldSchema
	Parse  func(to *T, raw any, patch bool) error
	Reset  func(to, defaults *T)
	Show   func(*T) any
}

// NewSetting makes a setting from where it lives, how it is parsed and how it is shown. Parse gets what stands there,
// and whether a patch is to be merged into that.
func NewSetting[T, V any](name string, schema *framework.FieldSchema, at func(*T) *V,
	parse func(raw any, old V, patch bool) (V, error), show func(V) any,
) Setting[T] {
	return Setting[T]{
		Name: name, Schema: schema,
		Parse: func(to *T, raw any, patch bool) error {
			v, err := parse(raw, *at(to), patch)
			if err == nil {
				*at(to) = v
			}
			return err
		},
		Reset: func(to, defaults *T) { *at(to) = *at(defaults) },
		Show:  func(from *T) any { return show(*at(from)) },
	}
}

// Resets reports whether a value asks for the default: null, or an empty text, because the command line cannot send
// null. No setting has a value of its own like that which is not the default.
func Resets(raw any) bool { return raw == nil || raw == "" }

// Apply changes to by the settings that are given.
func Apply[T any](settings []Setting[T], given map[string]any, patch bool, to, defaults *T) error {
	for _, s := range settings {
		raw, ok := given[s.Name]
		switch {
		case !ok:
		case Resets(raw):
			s.Reset(to, defaults)
		default:
			if err := s.Parse(to, raw, patch); err != nil {
				return err
			}
		}
	}
	return nil
}

// Show adds the settings to an answer, in the shape in which they can be written.
func Show[T any](data map[string]any, settings []Setting[T], from *T) {
	for _, s := range settings {
		data[s.Name] = s.Show(from)
	}
}

// Schemas returns the settings' descriptions, with others added.
func Schemas[T any](
	settings []Setting[T], others ...map[string]*framework.FieldSchema,
) map[string]*framework.FieldSchema {
	all := make(map[string]*framework.FieldSchema)
	for _, s := range settings {
		all[s.Name] = s.Schema
	}
	for _, o := range others {
		maps.Copy(all, o)
	}
	return all
}

// Schema describes a field.
func Schema(t framework.FieldType, description string) *framework.FieldSchema {
	return &framework.FieldSchema{Type: t, Description: description}
}

// ChoiceSchema describes a field that is one word out of some.
func ChoiceSchema[V ~string](description string, words []V) *framework.FieldSchema {
	schema := Schema(framework.TypeString, description)
	for _, w := range words {
		schema.AllowedValues = append(schema.AllowedValues, string(w))
	}
	return schema
}

func identity[V any](v V) any { return v }

// Text is a text of at most so many bytes, on one line.
func Text[T any](name, description string, most int, at func(*T) *string) Setting[T] {
	return NewSetting(name, Schema(framework.TypeString, description), at,
		func(raw any, _ string, _ bool) (string, error) { return ParseText(name, raw, most) }, identity)
}

// Bool is true or false.
func Bool[T any](name, description string, at func(*T) *bool) Setting[T] {
	return NewSetting(name, Schema(framework.TypeBool, description), at,
		func(raw any, _, _ bool) (bool, error) { return ParseBool(name, raw) }, identity)
}

// Int is a whole number within bounds.
func Int[T any](name, description string, least, most int, at func(*T) *int) Setting[T] {
	return NewSetting(name, Schema(framework.TypeInt, description), at,
		func(raw any, _ int, _ bool) (int, error) { return ParseInt(name, raw, least, most) }, identity)
}

// Duration is a length of time in whole seconds, within bounds.
func Duration[T any](name, description string, least, most time.Duration, at func(*T) *time.Duration) Setting[T] {
	return NewSetting(name, Schema(framework.TypeDurationSecond, description), at,
		func(raw any, _ time.Duration, _ bool) (time.Duration, error) {
			return ParseDuration(name, raw, least, most)
		},
		func(d time.Duration) any { return Seconds(d) })
}

// Time is a moment in RFC 3339, to the second; null where there is none.
func Time[T any](name, description string, at func(*T) *time.Time) Setting[T] {
	return NewSetting(name, Schema(framework.TypeTime, description), at,
		func(raw any, _ time.Time, _ bool) (time.Time, error) { return ParseTime(name, raw) }, RFC3339)
}

// lines is a list of texts that has been read.
type lines interface {
	comparable
	List() []string
}

// Lines is a list of texts that read takes. A single text is split at commas, like the command line's.
func Lines[T any, L lines](
	name, description string, at func(*T) *L, read func(field string, list []string) (L, error),
) Setting[T] {
	return NewSetting(name, Schema(framework.TypeStringSlice, description), at,
		func(raw any, _ L, _ bool) (none L, err error) {
			list, err := ParseLines(name, raw)
			if err != nil {
				return none, err
			}
			return read(name, list)
		},
		func(l L) any { return l.List() })
}

// Choice is one word out of some.
func Choice[T any, V ~string](name, description string, words []V, at func(*T) *V) Setting[T] {
	return NewSetting(name, ChoiceSchema(description, words), at,
		func(raw any, _ V, _ bool) (V, error) { return ParseChoice(name, raw, words) },
		func(v V) any { return string(v) })
}
