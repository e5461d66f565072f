package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
)

// render returns the part of the document that is about each path.
func render(endpoints []endpoint) string {
	var b strings.Builder
	b.WriteString("\n## Parts of paths\n\n" + partsTable(endpoints))
	b.WriteString("\n## Paths\n\n")
	for _, e := range endpoints {
		fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", e.name, anchor(e.name), plain(e.path.HelpSynopsis))
	}
	shown := map[string]string{} // answers, and where they are
	for _, e := range endpoints {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s", e.name, describe(e))
		answered(&b, e, shown)
	}
	return b.String()
}

// partsTable says what may stand in the places of a path.
func partsTable(endpoints []endpoint) string {
	parts := map[string]*framework.FieldSchema{}
	for _, e := range endpoints {
		for name, f := range e.path.Fields {
			if f.Required {
				parts[":"+name] = f
			}
		}
	}
	return fieldTable("part", parts)
}

// describe returns what an endpoint is, does and takes.
func describe(e endpoint) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"%s\n%s\n\n| operation | HTTP | what it does |\n| --- | --- | --- |\n",
		plain(e.path.HelpSynopsis),
		plain(e.path.HelpDescription),
	)
	var taking []string
	for _, v := range e.operations() {
		summary := e.path.Operations[v.operation].Properties().Summary
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", v.name, v.http, cell(summary))
		if v.name != "read" && v.name != "delete" {
			taking = append(taking, v.name)
		}
	}
	fields := maps.Clone(e.path.Fields)
	maps.DeleteFunc(fields, func(_ string, f *framework.FieldSchema) bool { return f.Required })
	if len(taking) == 0 {
		taking = append(taking, "read")
	}
	if len(fields) > 0 {
		fmt.Fprintf(&b, "\nFields of %s:\n\n%s", strings.Join(taking, " and "), fieldTable("field", fields))
	}
	return b.String()
}

// answered writes what the endpoint's operations answer, or where the same answer was shown before.
func answered(b *strings.Builder, e endpoint, shown map[string]string) {
	var seen []string
	for _, v := range e.operations() {
		response := e.path.Operations[v.operation].Properties().Responses[http.StatusOK][0]
		if response.MediaType != "" {
			fmt.Fprintf(b, "\nAnswers with `%s`, not JSON.\n", response.MediaType)
			continue
		}
		answer := response.Fields
		whole := fieldTable("answer", answer)
		if slices.Contains(seen, whole) {
			continue
		}
		seen = append(seen, whole)
		if before, ok := shown[whole]; ok {
			fmt.Fprintf(b, "\nAnswers as [`%s`](#%s) does.\n", before, anchor(before))
			continue
		}
		shown[whole] = e.name
		if rest, ok := besides(answer, e.path.Fields); ok {
			fmt.Fprintf(b, "\nAnswers with these fields but `cas`, and:\n\n%s", fieldTable("answer", rest))
			continue
		}
		b.WriteString("\n" + whole)
	}
}

// besides returns what an answer has besides the fields that can be written, and whether it has all of those.
func besides(answer, fields map[string]*framework.FieldSchema) (map[string]*framework.FieldSchema, bool) {
	rest, echoed := maps.Clone(answer), 0
	for name, f := range fields {
		a := answer[name]
		switch {
		case f.Required || name == "cas":
		case a == nil || a.Type != f.Type || a.Description != f.Description:
			return nil, false
		default:
			delete(rest, name)
			echoed++
		}
	}
	return rest, echoed > 0
}

// fieldTable lists fields by name.
func fieldTable(heading string, fields map[string]*framework.FieldSchema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | type | what it is |\n| --- | --- | --- |\n", heading)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f := fields[name]
		about := f.Description
		if len(f.AllowedValues) > 0 {
			about += " One of" + strings.TrimSuffix(
				fmt.Sprintf(strings.Repeat(" `%v`,", len(f.AllowedValues)), f.AllowedValues...),
				",",
			) + "."
		}
		if f.DisplayAttrs != nil && f.DisplayAttrs.Sensitive {
			about += " **Secret.**"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, typeName(f.Type), cell(about))
	}
	return b.String()
}

// typeName says how a value is written; the head explains durations and times.
func typeName(t framework.FieldType) string {
	switch t { //nolint:exhaustive // The rest is not in use, and would show as Vault calls it.
	case framework.TypeString:
		return "text"
	case framework.TypeInt, framework.TypeInt64:
		return "number"
	case framework.TypeBool:
		return "boolean"
	case framework.TypeDurationSecond:
		return "duration"
	case framework.TypeTime:
		return "time"
	case framework.TypeKVPairs:
		return "map of texts"
	case framework.TypeSlice, framework.TypeStringSlice:
		return "list"
	default:
		return t.String()
	}
}

// plain keeps <tenant> in a text from being taken for HTML.
func plain(text string) string { return strings.ReplaceAll(text, "<", `\<`) }

// cell keeps a text from ending its cell of a table, too.
func cell(text string) string { return strings.ReplaceAll(plain(text), "|", `\|`) }

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor returns the name under which a Markdown reader finds a heading: lower case, without punctuation, with a hyphen
// for each space.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
