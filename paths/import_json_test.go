package paths

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/helper/jsonutil"
	"github.com/hashicorp/vault/sdk/logical"
)

// FuzzUnpackKeys holds a list of keys in a text against the same list in a request's JSON, as Vault decodes that.
func FuzzUnpackKeys(f *testing.F) {
	for _, s := range []string{
		`[{"name":"old","key_id":"Np9Sv4Ef","key":"x","expires_at":null,"ttl":3600,"replay":false}]`,
		`[{"name":"a","scopes":["GET /a","GET /b"],"metadata":{"a":"b"},"allowed_cidrs":[]},{"name":"b"}]`,
		`[{"metadata":{"a":"1","a":"2"}}]`, `[{"metadata":{"a":{}}}]`, `[{"scopes":[["x"]]}]`, `[{"a":1}]`,
		`[{"name":"a","name":"b"}]`, `[1e999,"x",null,{}]`, `[{"ttl":1e999}]`, `[]`, `[`, `{}`, `[{}]x`,
		`[{"reference":"one","zeal":1}]`, "[{\"name\":\"\xff\"}]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []any
		err := jsonutil.DecodeJSON([]byte(text), &want)
		got, isList := unpack(text, unpackKey).([]any)
		if isList && err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) && len(got) <= maxImport {
			t.Errorf("%q is a list, and no JSON: %v", text, err)
		}
		if !isList || len(got) != len(want) {
			return
		}
		for i, item := range got {
			if _, bad := item.(badItem); bad {
				continue
			}
			if _, object := item.(map[string]any); object && !reflect.DeepEqual(item, want[i]) {
				t.Errorf("%q: item %d is %v, want %v", text, i, item, want[i])
			}
		}
	})
}

// What no key can hold is not decoded, and is told of in its item.
func TestUnpackingKeysTakesLittle(t *testing.T) {
	fill := func(part string) string { return strings.Repeat(part, maxPacked/4/len(part)) }
	for name, text := range map[string]string{
		"zeros in a setting":    `[{"scopes":[` + fill("0,") + `0]}]`,
		"lists in a setting":    `[{"scopes":[` + fill("[],") + `[]]}]`,
		"nested":                `[{"scopes":[[` + fill("0,") + `0]]}]`,
		"texts in a setting":    `[{"scopes":[` + fill(`"",`) + `""]}]`,
		"pairs of a setting":    `[{"metadata":{` + fill(`"a":"",`) + `"a":""}}]`,
		"a setting many times":  `[{"owner":""` + fill(`,"owner":""`) + `}]`,
		"fields that are none":  `[{"zeal":0` + fill(`,"zeal":0`) + `}]`,
		"numbers in a setting":  `[{"metadata":{"a":1` + fill(`,"b":1`) + `}}]`,
		"a field for each item": `[{"metadata":{"a":{"b":[` + fill("0,") + `0]}}}]`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := &request{Request: &logical.Request{Data: map[string]any{"keys_json": text}}}
		_, given, err := r.list("keys", unpackKey)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > 12*uint64(len(text)) {
			t.Errorf("%s: %d bytes for %d, %v", name, took, len(text), err)
		}
		items, _ := given.([]any)
		if len(items) != 1 {
			t.Errorf("%s: %d items", name, len(items))
			continue
		}
		if _, bad := items[0].(badItem); !bad {
			t.Errorf("%s: is an item", name)
		}
	}
}
