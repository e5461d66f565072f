package verify

import (
	"encoding/base64"
	"testing"
)

// A head goes to the engine as it is, also where text could not carry it.
func TestHeadsThatAreNoText(t *testing.T) {
	for request, text := range map[string]bool{
		"GET /?caf\u00e9 HTTP/1.1\n": true,
		"GET /?caf\xe9 HTTP/1.1\n":   false,
		"GET /?\uFFFD HTTP/1.1\n":    false,
	} {
		fields := fieldsOf(Call{Request: request})
		item, _ := itemOf(Call{Request: request}).(string)
		if fields["request"] == request != text || item == request != text {
			t.Errorf("%q goes as %v", request, fields)
		}
		if coded := base64.StdEncoding.EncodeToString([]byte(request)); fields["request_base64"] == coded == text {
			t.Errorf("%q goes as %v", request, fields)
		}
	}
}
