package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

func says(status int, errs ...string) *http.Response {
	return response(status, map[string]any{"errors": append([]string{}, errs...)})
}

func replies(answer map[string]any) *http.Response {
	if answer == nil {
		return response(204, nil)
	}
	return response(200, answer)
}

func response(status int, answer any) *http.Response {
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

// batchOf returns the items of a batch, nil when there is none, and what answers it as the engine does.
func batchOf(sent map[string]any) (items []any, answer func(judge func(fields map[string]any) map[string]any) *http.Response) {
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
			return replies(map[string]any{"data": map[string]any{"results": results}})
		}
		versions := map[string]any{}
		for _, result := range results {
			// Some tell of their version themselves, and some, as the engine's, do not.
			if data, _ := result.(map[string]any); data["key_id"] != nil && len(versions) == 0 {
				versions[data["key_id"].(string)] = map[string]any{"tenant": data["tenant"], "metadata": data["metadata"], "version": data["version"]}
				delete(data, "tenant")
				delete(data, "metadata")
				delete(data, "version")
			}
		}
		text, _ := json.Marshal(map[string]any{"results": results, "versions": versions})
		return replies(map[string]any{"data": map[string]any{"results_json": string(text), "key_ids": []string{}}})
	}
}
