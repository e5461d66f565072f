package paths

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// wholly decodes a list at once.
func wholly(text string) any {
	var items []any
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return text
	}
	return items
}

func FuzzUnpackBatch(f *testing.F) {
	for _, s := range []string{
		`["GET / HTTP/1.1"]`, `[{"request":"x","replay_check":false,"client_ip":null},{}]`, `[]`,
		` [ 1 , true , null , "a\u00e9" ] `, `[1]x`, `[1,]`, `{}`, `[`, ``, `[{"a":1,"a":2}]`, "[\"\xff\"]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, want := unpack(text, unpackItem), wholly(text)
		if list, ok := want.([]any); ok && len(list) > 0 && len(list) <= maxBatch {
			if _, ok := got.([]any); !ok {
				t.Fatalf("%q is no list", text)
			}
			if !strings.ContainsAny(text[strings.Index(text, "[")+1:], "[{") && !reflect.DeepEqual(got, want) {
				t.Errorf("%q: %v, want %v", text, got, want)
			}
		} else if list, ok := got.([]any); ok && len(list) > 0 && len(list) <= maxBatch &&
			!strings.ContainsAny(text, "eE0123456789") {
			t.Errorf("%q is a list", text) // numbers out of range are told of in their items
		}
	})
}

// What is too much is not decoded: 4 MiB of zeros, or one of lists in a list, take a small part of their size.
func TestUnpackingTakesLittle(t *testing.T) {
	for name, text := range map[string]string{
		"zeros":   "[" + strings.Repeat("0,", 2<<20-2) + "0]",
		"objects": "[" + strings.Repeat("{},", 1<<20) + "{}]",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := &request{Request: &logical.Request{Data: map[string]any{"batch_json": text}}}
		_, err := r.batch()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 1<<20 {
			t.Errorf("%s: %d bytes for %d, %v", name, took, len(text), err)
		}
	}
	spaces := "[" + strings.Repeat(" ", maxPacked) + `"x"]`
	long := &request{Request: &logical.Request{Data: map[string]any{"batch_json": spaces}}}
	if _, err := long.batch(); err == nil || !strings.HasPrefix(err.Error(), "batch_json: has ") {
		t.Error(err)
	}
	var many strings.Builder
	for i := 0; many.Len() < maxPacked-20; i++ {
		fmt.Fprintf(&many, `,"%d":0`, i)
	}
	for name, text := range map[string]string{ // of one item
		"a list in a list":     "[[" + strings.Repeat("0,", 2<<20-3) + "0]]",
		"fields that are none": `[{"a":1` + many.String() + "}]",
		"a field many times":   `[{"tenant":""` + strings.Repeat(`,"message":""`, maxPacked/14) + "}]",
		"a field twice":        `[{"message":""` + strings.Repeat(`,"message":""`, maxPacked/14) + "}]",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		items, err := (&request{Request: &logical.Request{Data: map[string]any{"batch_json": text}}}).batch()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > 8*uint64(len(text)) {
			t.Errorf("%s: %d bytes for %d, %v", name, took, len(text), err)
		}
		if _, err := item(items[0], verifyItemFields); err == nil {
			t.Errorf("%s: is an item", name)
		}
	}
}
