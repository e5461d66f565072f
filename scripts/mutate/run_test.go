package main

import (
	"context"
	"regexp"
	"strings"
	"testing"
)

// doors is a module with one of each operation. Each of its tests fails when one check is away, and only then.
func doors() map[string]string {
	return map[string]string{
		"door/door.go": `package door

import _ "embed"

// Rules say who comes in.
//
//go:embed rules.txt
var Rules string

type Door struct {
	Shut, Locked bool
	Count        int
	Seen         []string
}

func (d *Door) Open(who string) (bool, error) {
	//mutate:true:1 "who it is" TestNobody
	if d == nil || d.Shut { //mutate:false:2 "a door that is shut" TestShut
		return false, nil
	}
	d.Count++ //mutate:skip "how many came in" TestCount
	//mutate:instead "the last come first" TestOrder => d.Seen = append([]string{who}, d.Seen...)
	d.Seen = append(d.Seen, who)
	//mutate:before "nobody before it is open" ./house TestHouse => d.Seen = nil
	if len(d.Seen) > 2 { //mutate:negate "full" ./house TestHouse
		return false, errFull //mutate:zero:2 "what is wrong when it is full" ./house TestHouse
	}
	return !d.Locked, nil //mutate:true:1 "a door that is locked" ./house TestHouse
}

var errFull error = full{}

type full struct{}

func (full) Error() string { return "full" }
`,
		"door/rules.txt": "all but cats",
		"door/door_test.go": `package door

import "testing"

func TestNobody(t *testing.T) {
	if _, err := (&Door{}).Open("a"); err != nil {
		t.Error(err)
	}
	d := &Door{}
	if d.Open("a"); len(d.Seen) != 1 {
		t.Error("seen", d.Seen)
	}
	if ok, _ := (*Door)(nil).Open("a"); ok {
		t.Error("no door is open")
	}
}

func TestShut(t *testing.T) {
	if ok, _ := (&Door{Shut: true}).Open("a"); ok {
		t.Error("open")
	}
}

func TestCount(t *testing.T) {
	d := new(Door)
	if d.Open("a"); d.Count != 1 {
		t.Error(d.Count)
	}
}

func TestOrder(t *testing.T) {
	d := new(Door)
	d.Open("a")
	if d.Open("b"); d.Seen[0] != "a" {
		t.Error(d.Seen)
	}
}

func TestRules(t *testing.T) {
	if Rules != "all but cats" {
		t.Error(Rules)
	}
}
`,
		"house/house_test.go": `package house

import (
	"os"
	"testing"

	"made/up/door"
)

func TestHouse(t *testing.T) {
	if _, err := os.Stat("house_test.go"); err != nil {
		t.Fatal("this is not run in the folder of its package")
	}
	d := &door.Door{Locked: true}
	for range 2 {
		if ok, err := d.Open("a"); ok || err != nil {
			t.Error(ok, err)
		}
	}
	if ok, err := d.Open("a"); ok || err == nil {
		t.Error("full, and", ok, err)
	}
}
`,
	}
}

func ruled() []*wall {
	return []*wall{{
		name: "cats", file: "door/rules.txt", op: "quote", old: " but cats", text: "", in: "./door", tests: "TestRules",
	}}
}

// runIn breaks walls of a module, and returns what is said, without the seconds.
func runIn(t *testing.T, files map[string]string, only string) (string, error) {
	t.Helper()
	var said strings.Builder
	err := run(context.Background(), module(t, files), ruled(), only, &said)
	return regexp.MustCompile(` \([0-9.]+ s\)`).ReplaceAllString(said.String(), ""), err
}

func TestEachOperationIsNoticed(t *testing.T) {
	said, err := runIn(t, doors(), "")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, line := range []string{
		"compiled", "whole: green",
		"who it is: noticed by TestNobody", "a door that is shut: noticed by TestShut", "how many came in: noticed " +
			"by TestCount",
		"the last come first: noticed by TestOrder", "nobody before it is open: noticed by TestHouse",
		"full: noticed by TestHouse",
		"what is wrong when it is full: noticed by TestHouse", "a door that is locked: noticed by TestHouse",
		"cats: noticed by TestRules", "9 walls broken, each was noticed",
	} {
		if !strings.Contains(said, line+"\n") {
			t.Errorf("not said: %s", line)
		}
	}
	if n := strings.Count(said, "\n"); n != 12 {
		t.Errorf("%d lines:\n%s", n, said)
	}
}

func TestChoose(t *testing.T) {
	walls := []*wall{
		{name: "a door", file: "house/door.go", in: "./house"},
		{name: "a lock", file: "house/lock.go", in: "./street"},
	}
	for only, want := range map[string]int{
		"": 2, "^a lock$": 1, "door.go": 1, "^house/": 2, "^./street$": 1, "window": 0, "(": 0,
	} {
		if got, err := choose(walls, only); len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d walls, %v", only, len(got), err)
		}
	}
}

func TestRunsThatGoWrong(t *testing.T) {
	tests := []struct {
		name, only          string
		file, old, text     string // what is otherwise in the module
		wantSaid, wantError string
	}{
		{
			"what is not noticed",
			"shut",
			"door/door.go",
			"TestShut",
			"TestCount",
			"door/door.go:18: a door that is shut: broken, and TestCount of ./door is green",
			"1 broken walls were not noticed",
		},
		{
			"what is quoted and not noticed", "cats", "door/door_test.go", `!= "all but cats"`, `== ""`,
			"door/rules.txt:1: cats: broken, and TestRules of ./door is green", "1 broken walls were not noticed",
		},
		{
			"what is red anyway",
			"shut",
			"door/door_test.go",
			`t.Error("open")`,
			`panic("open")` + "\n\t}\n\tif true {\n\t\tt.Error(7)",
			"compiled",
			"with nothing broken, ./door is red:",
		},
		{
			"what is skipped",
			"shut",
			"door/door_test.go",
			"func TestShut(t *testing.T) {",
			"func TestShut(t *testing.T) {\n\tt.Skip()",
			"compiled",
			"./door has not run TestShut",
		},
		{
			"what ends without a word", "shut", "door/door_test.go", `t.Error("open")`, "os.Exit(1)",
			"door/door.go:18: a door that is shut: no test says that it has failed", "1 broken walls were not noticed",
		},
		{
			"what does not compile",
			"shut",
			"door/door.go",
			"append([]string{who}, d.Seen...)",
			"append([]string{whom}, d.Seen...)",
			"",
			"with the operations of its markers the tree does not compile:",
		},
		{"what is not there", "windows", "door/door.go", "", "", "", "there is no such wall"},
	}
	for _, row := range tests {
		files := doors()
		files[row.file] = strings.Replace(files[row.file], row.old, row.text, 1)
		if strings.Contains(row.text, "os.Exit") {
			files[row.file] = strings.Replace(
				files[row.file],
				`import "testing"`,
				"import (\n\t\"os\"\n\t\"testing\"\n)",
				1,
			)
		}
		said, err := runIn(t, files, row.only)
		if err == nil || !strings.HasPrefix(err.Error(), row.wantError) || !strings.Contains(said, row.wantSaid) {
			t.Errorf("%s: %v, want %s; said\n%s", row.name, err, row.wantError, said)
		}
		if row.name == "what does not compile" && (err == nil || !strings.Contains(err.Error(), "door/door.go:23:")) {
			t.Errorf("%s: %v names no line", row.name, err)
		}
	}
}
