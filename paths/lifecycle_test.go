package paths_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// scene is a key in some state, and who deals with it.
type scene struct {
	w     *world
	acme  person
	h     holder // of the version that the row is about
	keyID string // given where the row is about one version; "" is the whole key
	lease *lease
}

// operations are the columns of the tables: what is asked of a named key.
var operations = map[string]func(s *scene) answer{
	"read":    func(s *scene) answer { return s.acme.Read(billing) },
	"patch":   func(s *scene) answer { return s.acme.Patch(billing, fields{"description": "other"}) },
	"rotate":  func(s *scene) answer { return s.acme.Write(billing+"/rotate", s.version("current_key_id")) },
	"disable": func(s *scene) answer { return s.acme.Write(billing+"/disable", s.version("key_id")) },
	"enable":  func(s *scene) answer { return s.acme.Write(billing+"/enable", s.version("key_id")) },
	"revoke":  func(s *scene) answer { return s.acme.Write(billing+"/revoke", s.version("key_id")) },
	"expire": func(s *scene) answer {
		what := s.version("key_id")
		if what == nil {
			what = fields{}
		}
		what["in"] = 0
		return s.acme.Write(billing+"/expire", what)
	},
	"delete":       func(s *scene) answer { return s.acme.Remove(billing) },
	"restore":      func(s *scene) answer { return s.acme.Write(billing+"/restore", nil) },
	"purge":        func(s *scene) answer { return s.acme.Write(billing+"/purge", nil) },
	"reveal":       func(s *scene) answer { return s.acme.Write(billing+"/reveal", nil) },
	"static-creds": func(s *scene) answer { return s.acme.Read("my/external/static-creds/billing") },
	"sign": func(s *scene) answer {
		return s.acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})
	},
	"verify": func(s *scene) answer { return s.w.Root().Trying().Write("verify", s.h.Call()) },
}

// leaseOperations are the columns for leased keys.
var leaseOperations = map[string]func(s *scene) answer{
	"read":        func(s *scene) answer { return s.acme.Read(s.leased()) },
	"disable":     func(s *scene) answer { return s.acme.Write(s.leased()+"/disable", nil) },
	"enable":      func(s *scene) answer { return s.acme.Write(s.leased()+"/enable", nil) },
	"revoke":      func(s *scene) answer { return s.acme.Write(s.leased()+"/revoke", nil) },
	"renew lease": func(s *scene) answer { return s.lease.Renew(0) },
	"end lease":   func(s *scene) answer { return s.lease.End() },
	"verify":      operations["verify"],
}

func (s *scene) leased() string { return "my/external/leased/" + s.h.KeyID }

func (s *scene) version(field string) fields {
	if s.keyID == "" {
		return nil
	}
	return fields{field: s.keyID}
}

// TestLifecycleTable holds the tables of docs/lifecycle.md against the engine, each cell
// in a world of its own. No row or column may be missing there, or here.
func TestLifecycleTable(t *testing.T) {
	tables := markdownTables(t, "../docs/lifecycle.md")
	if len(tables) != 2 {
		t.Fatalf("%d tables in the document", len(tables))
	}
	checkTable(t, tables[0], keyStates, operations)
	checkTable(t, tables[1], leasedStates, leaseOperations)
}

func checkTable(
	t *testing.T,
	rows [][]string,
	states map[string]func(s *scene),
	columns map[string]func(s *scene) answer,
) {
	t.Helper()
	head, rows := rows[0], rows[1:]
	if len(head) != len(columns)+1 || len(rows) != len(states) {
		t.Errorf("%d columns and %d rows, want %d and %d", len(head)-1, len(rows), len(columns), len(states))
	}
	for i, row := range rows {
		if slices.ContainsFunc(rows[:i], func(other []string) bool { return other[0] == row[0] }) {
			t.Errorf("row %q is there twice", row[0])
		}
		enter, known := states[row[0]]
		if !known || len(row) != len(head) {
			t.Errorf("row %q with %d cells: no such state, or cells are missing", row[0], len(row))
			continue
		}
		for i, want := range row[1:] {
			column := head[i+1]
			operation, known := columns[column]
			if !known {
				t.Errorf("column %q: no such operation", column)
				continue
			}
			clocked(t, row[0]+"/"+column, func(t *testing.T, w *world) {
				s := &scene{w: w, acme: w.Tenant("acme")}
				enter(s)
				s.acme = s.acme.Trying()
				if got := cell(operation(s), want); got != want {
					t.Errorf("%s of %s: %q, the document says %q", column, row[0], got, want)
				}
			})
		}
	}
}

// cell writes an answer as the document does: the verdict, or the status and, where the
// document names it, the word that the refusal begins with.
func cell(a answer, want string) string {
	if v, ok := a.Data["verdict"].(string); ok && a.Status == 200 {
		return v
	}
	if _, word, named := strings.Cut(want, " "); named && strings.HasPrefix(a.Text, word+":") {
		return strconv.Itoa(a.Status) + " " + word
	}
	return strconv.Itoa(a.Status)
}

// markdownTables returns the tables of a document, each with its head and without the
// line under it. Backquotes and what is in brackets after a row's name are left out.
func markdownTables(t *testing.T, path string) [][][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var tables [][][]string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if !inside {
			tables = append(tables, nil)
			inside = true
		}
		if strings.Trim(line, "|- ") == "" {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "`", "")
		}
		last := len(tables) - 1
		tables[last] = append(tables[last], cells)
	}
	return tables
}
