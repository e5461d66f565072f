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
