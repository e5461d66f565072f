package main

// quoted are the walls that are not in Go, which no marker can be about: a text that is in the file once, and what
// takes its place. Each is compiled for itself.
func quoted() []*wall {
	const shipped = "./bootstrap/policies"
	row := func(name, file, old, text, tests string) *wall {
		return &wall{
			name:  name,
			file:  "bootstrap/policies/" + file,
			op:    "quote",
			old:   old,
			text:  text,
			in:    shipped,
			tests: tests,
		}
	}
	return []*wall{
		row("lists with the slash", "auditor.hcl", `my/+/keys/"`, `my/+/keys"`, "TestGrants"),
		row("what monitoring may read", "monitor.hcl", "apikeys/status", "apikeys/config", "TestGrants|TestMonitor"),
		row(
			"the SPA at the settings",
			"spa.hcl",
			`"apikeys/config"`,
			`"apikeys/config/none"`,
			"TestSPAHoldsNothingMore",
		),
		row(
			"the SPA at the keyring",
			"spa.hcl",
			"apikeys/keyring/+",
			"apikeys/keyring/none",
			"TestSPAHoldsNothingMore",
		),
	}
}
