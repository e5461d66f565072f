package vaulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Says returns an answer of Vault with a status and errors.
func Says(status int, errs ...string) *http.Response {
	return Response(status, map[string]any{"errors": append([]string{}, errs...)})
}

// Replies returns an answer of Vault with status 200, or 204 for nil.
func Replies(answer map[string]any) *http.Response {
	if answer == nil {
		return Response(204, nil)
	}
	return Response(200, answer)
}

// Response returns an answer with a status, of which the body is JSON.
func Response(status int, answer any) *http.Response {
	var body []byte
	if answer != nil {
		body, _ = json.Marshal(answer)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d", status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// BatchOf returns the items of a batch, nil when there is none, and what answers it as the engine does.
func BatchOf(sent map[string]any) (
	items []any, answer func(judge func(fields map[string]any) map[string]any) *http.Response,
) {
	items, _ = sent["batch"].([]any)
	text, packed := sent["batch_json"].(string)
	if packed {
		_ = json.Unmarshal([]byte(text), &items)
	}
	return items, func(judge func(map[string]any) map[string]any) *http.Response {
		results := []any{}
		for _, item := range items {
			fields, _ := item.(map[string]any)
			if head, plain := item.(string); plain {
				fields = map[string]any{"request": head}
			}
			results = append(results, judge(fields))
		}
		if !packed {
			return Replies(map[string]any{"data": map[string]any{"results": results}})
		}
		versions := map[string]map[string]any{}
		for _, result := range results {
			data, _ := result.(map[string]any)
			id, signed := data["key_id"].(string)
			if !signed {
				continue
			}
			told := map[string]any{}
			for _, name := range []string{
				"tenant", "kind", "name", "version", "scheme", "expires_at", "server_time", "successor_key_id", "user",
				"metadata",
			} {
				if value, ok := data[name]; ok {
					told[name] = value
					delete(data, name)
				}
			}
			versions[id] = told
		}
		text, _ := json.Marshal(map[string]any{"results": results, "versions": versions})
		return Replies(map[string]any{"data": map[string]any{"results_json": string(text), "key_ids": []string{}}})
	}
}

// stringsOf returns how many strings a JSON text has, names of fields among them.
func stringsOf(text []byte) int {
	n, decoder := 0, json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return n
		}
		if _, is := token.(string); is {
			n++
		}
	}
}
