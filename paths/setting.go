package paths

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// setting is one field that a caller may write and read back: described, parsed and
// shown in one place.
type setting[T any] struct {
	name   string
	schema *framework.FieldSchema
	parse  func(to *T, raw any, merge bool) error
	reset  func(to, defaults *T)
	show   func(*T) any
}

// resets reports whether a value asks for the default: null, or an empty text, since the
// command line cannot send null. Of no setting is that a value of its own which the default
// is not.
func resets(raw any) bool { return raw == nil || raw == "" }

// apply changes to by the settings that the request gives.
func apply[T any](r *request, settings []setting[T], to, defaults *T) error {
	for _, s := range settings {
		raw, given := r.Data[s.name]
		switch {
		case !given:
		case resets(raw):
			s.reset(to, defaults)
		default:
			if err := s.parse(to, raw, r.Operation == logical.PatchOperation); err != nil {
				return err
			}
		}
	}
	return nil
}

// showAll adds the settings to an answer, in the shape in which they can be written.
func showAll[T any](data map[string]any, settings []setting[T], from *T) {
	for _, s := range settings {
		data[s.name] = s.show(from)
	}
}

// schemas returns the settings' descriptions, with others added.
func schemas[T any](settings []setting[T], others ...map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	all := make(map[string]*framework.FieldSchema)
	for _, s := range settings {
		all[s.name] = s.schema
	}
	for _, o := range others {
		maps.Copy(all, o)
	}
	return all
}

func field(t framework.FieldType, description string) *framework.FieldSchema {
	return &framework.FieldSchema{Type: t, Description: description}
}

// of makes a setting from where it lives, how it is parsed and how it is shown.
func of[T, V any](name string, schema *framework.FieldSchema, at func(*T) *V,
	parse func(raw any, old V, merge bool) (V, error), show func(V) any,
) setting[T] {
	return setting[T]{
		name: name, schema: schema,
		parse: func(to *T, raw any, merge bool) error {
			v, err := parse(raw, *at(to), merge)
			if err == nil {
				*at(to) = v
			}
			return err
		},
		reset: func(to, defaults *T) { *at(to) = *at(defaults) },
		show:  func(from *T) any { return show(*at(from)) },
	}
}

func asIs[V any](v V) any { return v }

func textSetting[T any](name, description string, most int, at func(*T) *string) setting[T] {
	return of(name, field(framework.TypeString, description), at,
		func(raw any, _ string, _ bool) (string, error) { return parseText(name, raw, most) }, asIs)
}

func boolSetting[T any](name, description string, at func(*T) *bool) setting[T] {
	return of(name, field(framework.TypeBool, description), at,
		func(raw any, _, _ bool) (bool, error) { return parseBool(name, raw) }, asIs)
}

func intSetting[T any](name, description string, least, most int, at func(*T) *int) setting[T] {
	return of(name, field(framework.TypeInt, description), at,
		func(raw any, _ int, _ bool) (int, error) { return parseInt(name, raw, least, most) }, asIs)
}

func durationSetting[T any](name, description string, least, most time.Duration, at func(*T) *time.Duration) setting[T] {
	return of(name, field(framework.TypeDurationSecond, description), at,
		func(raw any, _ time.Duration, _ bool) (time.Duration, error) {
			return parseDuration(name, raw, least, most)
		},
		func(d time.Duration) any { return inSeconds(d) })
}

func pairsSetting[T any](name, description string, at func(*T) *apikey.Pairs) setting[T] {
	return of(name, field(framework.TypeKVPairs, description), at,
		func(raw any, old apikey.Pairs, merge bool) (apikey.Pairs, error) {
			pairs, err := parsePairs(name, raw, old.Map(), merge)
			return apikey.PairsOf(pairs), err
		},
		func(p apikey.Pairs) any { return showPairs(p) })
}

func showPairs(p apikey.Pairs) map[string]any {
	shown := make(map[string]any)
	for name, text := range p.All() {
		shown[name] = text
	}
	return shown
}

// timeSetting is a moment in RFC 3339, to the second; null where there is none.
func timeSetting[T any](name, description string, at func(*T) *time.Time) setting[T] {
	return of(name, field(framework.TypeTime, description), at,
		func(raw any, _ time.Time, _ bool) (time.Time, error) { return parseTime(name, raw) }, rfc3339)
}

// maxLines bounds a list of texts.
const maxLines = 32

// lines is a list of texts that has been read.
type lines interface {
	comparable
	List() []string
}

// linesSetting is a list of texts that read takes. A single text is split at commas, as the
// command line's are.
func linesSetting[T any, L lines](name, description string, at func(*T) *L, read func(field string, list []string) (L, error)) setting[T] {
	return of(name, field(framework.TypeStringSlice, description), at,
		func(raw any, _ L, _ bool) (none L, err error) {
			list, err := parseLines(name, raw)
			if err != nil {
				return none, err
			}
			return read(name, list)
		},
		func(l L) any { return l.List() })
}

// choiceSetting is one word out of some.
func choiceSetting[T any, V ~string](name, description string, words []V, at func(*T) *V) setting[T] {
	return of(name, choice(description, words), at,
		func(raw any, _ V, _ bool) (V, error) {
			s, _ := raw.(string)
			if !slices.Contains(words, V(s)) {
				return "", badValue(name, oneOf(words))
			}
			return V(s), nil
		},
		func(v V) any { return string(v) })
}

func choice[V ~string](description string, words []V) *framework.FieldSchema {
	schema := field(framework.TypeString, description)
	for _, w := range words {
		schema.AllowedValues = append(schema.AllowedValues, string(w))
	}
	return schema
}

func oneOf[V ~string](words []V) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = string(w)
	}
	return "one of " + strings.Join(quoted, ", ")
}
