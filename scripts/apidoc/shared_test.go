package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatTenantsShareIsTested holds the table of what tenants share against the tests that show each row.
func TestWhatTenantsShareIsTested(t *testing.T) {
	shows := map[string][]string{
		"keys and roles in memory":             {"internal/store.TestFullCachesCostReadsAlone"},
		"tenants in memory":                    {"internal/store.TestFullCachesCostReadsAlone"},
		"key IDs known to be nobody's":         {"internal/store.TestFullCachesCostReadsAlone"},
		"who callers are":                      {"internal/identity.TestIdentitiesOfOthers"},
		"locks":                                {"internal/store.TestNobodyHoldsAnothersLock"},
		"writes that storage has not answered": {"internal/store.TestUnknownOutcomesAreBounded"},
		"calls seen, for replay protection":    {"internal/replay.TestShares", "internal/replay.TestSharedRoom"},
		"uses that are not written yet": {
			"internal/store.TestNobodyMakesAnotherTenantsUsesForgotten",
			"internal/store.TestUsesThatFindNoRoom",
		},
		"whether a revealed version was used": {"internal/store.TestWhetherAVersionWasUsed"},
		"what is due": {
			"internal/sweep.TestRotationsBeforeAnErasure",
			"internal/sweep.TestRotationsAreFairByTenant",
		},
		"records that the sweep could not write": {"internal/sweep.TestSweepOfARecordThatFails"},
		"places for costly work": {
			"paths.TestOneTenantsWorkHoldsUpItsOwnAlone",
			"paths.TestExplanationsAndLongSignaturesWait",
			"paths.TestPlainCallsPassTheGateBy",
		},
		"counts of verdicts": {"paths.TestVerdictsAreCountedForAll"},
	}
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
			dir, test, _ := strings.Cut(name, ".")
			if !strings.Contains(testsOf(t, dir), "\nfunc "+test+"(t *testing.T) {") {
				t.Errorf("%s: there is no %s", row, name)
			}
		}
	}
}

// testsOf returns the text of the tests of a folder.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(root + dir + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		all.WriteString(read(t, file))
	}
	return all.String()
}
