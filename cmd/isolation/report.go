package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// report is the result of a run: as JSON for machines, as text for people.
type report struct {
	Time     time.Time `json:"time"`
	Finished time.Time `json:"finished"`
	Server   string    `json:"server"`
	Version  string    `json:"server_version,omitempty"`
	Mount    string    `json:"mount"`
	Accessor string    `json:"mount_accessor,omitempty"`
	Engine   string    `json:"engine,omitempty"`
	Binding  string    `json:"tenant_binding,omitempty"` // empty if it is not known
	Parties  []*party  `json:"parties"`
	Holes    int       `json:"holes"`
	Unjudged int       `json:"unjudged"`
	Tries    int       `json:"tries"`
	Walls    []*wall   `json:"walls"`
	Notes    []string  `json:"notes,omitempty"`
	Made     []string  `json:"made,omitempty"`
	Removed  []string  `json:"removed,omitempty"`
	Left     []string  `json:"left,omitempty"` // objects that could not be removed
	Error    string    `json:"error,omitempty"`
}

// wall is one wall, and the results of the tries to get through it.
type wall struct {
	Name       string    `json:"name"`
	Tries      int       `json:"tries"`
	ByPolicy   int       `json:"closed_by_policy"`
	ByIdentity int       `json:"closed_by_identity"`
	Refused    int       `json:"refused"`
	Unfound    int       `json:"nothing_of_another"`
	Absent     int       `json:"no_such_path"`
	Holes      []finding `json:"holes,omitempty"`
	Unjudged   []finding `json:"unjudged,omitempty"`
}

// finding is one try that went through or is unclear. Of the answer it holds only errors.
type finding struct {
	Who     string `json:"who"`
	Request string `json:"request"`
	Answer  string `json:"answer"`
}

func (r *run) wall(name string) *wall {
	for _, w := range r.report.Walls {
		if w.Name == name {
			return w
		}
	}
	w := &wall{Name: name}
	r.report.Walls = append(r.report.Walls, w)
	return w
}

// count records the outcome of a try. An answer that contains another tenant's data is a hole, whatever its
// status.
func (w *wall) count(t try, a *answered, became outcome, secrets []string, mount string) {
	w.Tries++
	told := tells(t, a, secrets)
	if told {
		became = hole
	}
	switch became {
	case closedPolicy:
		w.ByPolicy++
	case closedIdentity:
		w.ByIdentity++
	case closedRefused:
		w.Refused++
	case closedUnfound:
		w.Unfound++
	case absent:
		w.Absent++
	case hole, unjudged:
		f := finding{t.who.Entity, t.method + " " + mount + "/" + t.path, describe(a)}
		if len(t.sent) > 0 {
			f.Request += " with " + strings.Join(slices.Sorted(maps.Keys(t.sent)), ", ")
		}
		if told {
			f.Answer += "; it holds what is another's"
		}
		if became == hole {
			w.Holes = append(w.Holes, f)
		} else {
			w.Unjudged = append(w.Unjudged, f)
		}
	}
}

// describe returns a description of an answer without its values, which may be secrets.
func describe(a *answered) string {
	if a.ok() {
		return fmt.Sprintf("%d with %s", a.status, strings.Join(slices.Sorted(maps.Keys(a.Data)), ", "))
	}
	const longest = 160
	said := strings.Join(strings.Fields(strings.TrimPrefix(a.says(), "1 error occurred:")), " ")
	if len(said) > longest {
		said = said[:longest] + "…"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, strings.TrimPrefix(said, "* ")))
}

// place fills in the versions of what is tried.
func (r *run) place(ctx context.Context, at *server) {
	anybody := &caller{at: at}
	if a, err := anybody.send(ctx, http.MethodGet, "sys/health", nil); err == nil {
		var health struct{ Version string }
		_ = json.Unmarshal(a.body, &health) // the version may be hidden
		r.report.Version = health.Version
	}
	for _, p := range r.parties() {
		for _, c := range p.Callers {
			a, err := c.send(ctx, http.MethodGet, "sys/internal/ui/mounts/"+r.mount, nil)
			if err == nil && a.ok() {
				r.report.Accessor = a.text("accessor")
				r.report.Engine = strings.TrimSpace(a.text("type") + " " + a.text("running_plugin_version"))
				return
			}
		}
	}
}

// sum counts the holes and the unclear tries.
func (r *report) sum() {
	r.Finished, r.Holes, r.Unjudged, r.Tries = time.Now().UTC().Truncate(time.Second), 0, 0, 0
	for _, w := range r.Walls {
		r.Holes += len(w.Holes)
		r.Unjudged += len(w.Unjudged)
		r.Tries += w.Tries
	}
}

// write writes the report as text, holes first.
func (r *report) write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "isolation of tenants, %s\n", r.Time.Format(time.RFC3339))
	fmt.Fprintf(
		&b,
		"server    %s %s\nmount     %s/ %s %s\nbinding   %s\n",
		r.Server,
		r.Version,
		r.Mount,
		r.Engine,
		r.Accessor,
		orElse(r.Binding, "unknown"),
	)
	for _, p := range r.Parties {
		for _, c := range p.Callers {
			fmt.Fprintf(&b, "%-9s %s\n", p.Name, strings.TrimSpace(orElse(p.Tenant, "")+" "+p.title(c)))
		}
	}
	findings(&b, "HOLE", r.Walls, func(w *wall) []finding { return w.Holes })
	findings(&b, "UNCLEAR", r.Walls, func(w *wall) []finding { return w.Unjudged })
	fmt.Fprintf(
		&b,
		"\n%6s %8s %8s %8s %8s %8s %6s  wall\n",
		"tries",
		"policy",
		"identity",
		"refused",
		"nothing",
		"no path",
		"holes",
	)
	for _, w := range r.Walls {
		fmt.Fprintf(
			&b,
			"%6d %8d %8d %8d %8d %8d %6d  %s\n",
			w.Tries,
			w.ByPolicy,
			w.ByIdentity,
			w.Refused,
			w.Unfound,
			w.Absent,
			len(w.Holes),
			w.Name,
		)
	}
	gone, kept := "made, and removed (keys are erased when the mount's retention is over)", []string(nil)
	for _, path := range r.Made {
		if !slices.Contains(r.Removed, path) {
			kept = append(kept, path)
		}
	}
	for _, list := range []struct {
		title string
		items []string
	}{{"note", r.Notes}, {gone, r.Removed}, {"made, and still there", kept}, {"could not be removed", r.Left}} {
		if len(list.items) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s\n", list.title, strings.Join(list.items, "\n  "))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.verdict())
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *report) verdict() string {
	done := fmt.Sprintf("%s, after %d tries at %d walls", r.Finished.Format(time.RFC3339), r.Tries, len(r.Walls))
	switch {
	case r.Holes > 0:
		return fmt.Sprintf("%d holes: %s", r.Holes, done)
	case r.Error != "":
		return "could not run to the end: " + r.Error
	case r.Unjudged > 0:
		return fmt.Sprintf("%d answers tell nothing, so the walls are not proven: %s", r.Unjudged, done)
	default:
		return "no holes: " + done
	}
}

// findings lists the findings at each wall. One hole often shows in many requests, so the text has only the
// first ones.
func findings(b *strings.Builder, title string, walls []*wall, of func(*wall) []finding) {
	const most = 6
	for _, w := range walls {
		all := of(w)
		for i, f := range all {
			if i == most {
				fmt.Fprintf(b, "  and %d more, which -json lists\n", len(all)-most)
				break
			}
			if i == 0 {
				fmt.Fprintf(b, "\n%s: %s\n", title, w.Name)
			}
			fmt.Fprintf(b, "  %s: %s: %s\n", orElse(f.Who, "no entity"), f.Request, f.Answer)
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
