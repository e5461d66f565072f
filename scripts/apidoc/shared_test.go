package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatTenantsShareIsTested holds the table of what tenants share against the tests that show each row.
func TestWhatTenantsShareIsTested(t *testing.T) {
	shows := map[string][]string{
		"keys and roles in memory":               {"TestFullCachesCostReadsAlone"},
		"tenants in memory":                      {"TestFullCachesCostReadsAlone"},
		"key IDs known to be nobody's":           {"TestFullCachesCostReadsAlone"},
		"who callers are":                        {"TestIdentitiesOfOthers"},
		"locks":                                  {"TestNobodyHoldsAnothersLock"},
		"writes that storage has not answered":   {"TestUnknownOutcomesAreBounded"},
		"calls seen, for replay protection":      {"TestShares", "TestSharedRoom"},
		"uses that are not written yet":          {"TestNobodyMakesAnotherTenantsUsesForgotten", "TestUsesThatFindNoRoom"},
		"whether a revealed version was used":    {"TestWhetherAVersionWasUsed"},
		"what is due":                            {"TestRotationsBeforeAnErasure", "TestRotationsAreFairByTenant"},
		"records that the sweep could not write": {"TestSweepOfARecordThatFails"},
		"places for costly work":                 {"TestOneTenantsWorkHoldsUpItsOwnAlone", "TestExplanationsAndLongSignaturesWait", "TestPlainCallsPassTheGateBy"},
		"counts of verdicts":                     {"TestVerdictsAreCountedForAll"},
	}
	tests := testsOf(t)
	rows := table(t, documents(t)["docs/security.md"], "### What tenants share")
	for _, row := range rows {
		if len(shows[row[0]]) == 0 {
			t.Errorf("no test is named that shows: %s", row[0])
		}
	}
	if len(rows) != len(shows) {
		t.Errorf("%d rows, and tests for %d", len(rows), len(shows))
	}
	for row, names := range shows {
		for _, name := range names {
			if !strings.Contains(tests, "\nfunc "+name+"(t *testing.T) {") {
				t.Errorf("%s: there is no %s", row, name)
			}
		}
	}
}

// testsOf returns the text of all tests.
func testsOf(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			all.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
