package tour

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Answer returns the fields of what a command of the CLI printed, as text. Of JSON they are those of its data, or of
// the whole where it has none; what is nested is named as versions.0.key_id. Of a table, or any other text, a field is
// the first word of a line, without a colon, and its value the rest of the line.
func Answer(output string) map[string]string {
	fields := map[string]string{}
	decoder := json.NewDecoder(strings.NewReader(output))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err == nil {
		if object, ok := document.(map[string]any); ok && object["data"] != nil {
			document = object["data"]
		}
		flatten(fields, "", document)
		return fields
	}
	for line := range strings.Lines(output) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		fields[strings.TrimSuffix(name, ":")] = strings.TrimSpace(value)
	}
	return fields
}

// flatten adds value to fields under name, or what it holds under longer names.
func flatten(fields map[string]string, name string, value any) {
	prefix := name
	if prefix != "" {
		prefix += "."
	}
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			flatten(fields, prefix+key, item)
		}
	case []any:
		for index, item := range value {
			flatten(fields, prefix+strconv.Itoa(index), item)
		}
	case nil:
		fields[name] = ""
	default:
		fields[name] = fmt.Sprint(value)
	}
}
