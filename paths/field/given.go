package field

import (
	"maps"
	"slices"
	"strings"
)

// Given returns what a caller gave without the ends of last lines: the command line sends them along with name=@file.
// Contents are the fields that are taken as they are, to the last byte. All that parses a field then is strict.
func Given(raw map[string]any, contents ...string) map[string]any {
	given, copied := raw, false
	for name, value := range raw {
		//mutate:false "line ends of contents" ./paths TestLineEndsOfFiles
		if slices.Contains(contents, name) {
			continue
		}
		trimmed, changed := withoutLineEnd(value)
		if !changed {
			continue
		}
		if !copied {
			given, copied = maps.Clone(raw), true
		}
		given[name] = trimmed
	}
	return given
}

// withoutLineEnd takes one line end from a text, or from each text in a list: name=@file may be there several times.
func withoutLineEnd(value any) (trimmed any, changed bool) {
	switch v := value.(type) {
	case string:
		s, ends := strings.CutSuffix(v, "\n")
		if ends {
			return strings.TrimSuffix(s, "\r"), true
		}
	case []any:
		list := slices.Clone(v)
		for i, one := range v {
			if s, ok := one.(string); ok {
				var ends bool
				list[i], ends = withoutLineEnd(s)
				changed = changed || ends
			}
		}
		return list, changed
	}
	return value, false
}
