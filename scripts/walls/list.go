package main

const (
	core     = "./internal/apikey"
	store    = "./internal/store"
	unknown  = "TestAnsweredChangesAreInForce|TestWritesOutliveTheirCallers|TestClaimsOfAFailedWriteAreMadeAgain"
	engine   = "./backend"
	sweep    = "./internal/sweep"
	verdict  = "internal/apikey/verdict.go"
	limits   = "internal/apikey/limits.go"
	identity = "paths/identity.go"
	matching = "internal/match/"
	matchers = "./internal/match"
	shipped  = "./bootstrap/policies"
)

// walls are the engine's checks, from the outside to the inside.
var walls = []wall{
	// Who is calling.
	{"another tenant's paths", identity, "case own == name, own", "case own != \"\", own", engine, "TestTenantsAreApart|TestWhoMayGoWhere"},
	{"callers without a tenant", identity, "own == \"\" && r.config.TenantBinding == tenant.Auto:", "own == \"\":", engine, "TestWhoMayGoWhere"},
	{"the provider's paths", identity, "if own != \"\" {", "if false {", engine, "TestTenantsStayOnTheirPaths|TestWhoMayGoWhere"},
	{"disabled entities", identity, "if entity.Disabled {", "if false {", engine, "TestWhoMayGoWhere"},
	{"identities that disagree", identity, "case found == \"\":", "case true:", engine, "TestWhoMayGoWhere"},
	{
		"an entity that Vault does not tell", identity, "problem: errNotHere}", "}",
		engine, "TestCallersOfAnotherNamespace",
	},
	{
		"groups that Vault does not tell", identity, "if err != nil {\n\t\treturn person{}, errIdentityAway", "if err != nil {\n\t\treturn person{}, nil",
		engine, "TestVaultThatDoesNotAnswerIsARefusal",
	},
	{"identities that have changed", identity, "!now.Before(p.until)", "false", engine, "TestIdentityIsNoticedWithinSeconds"},
	{"fields that nobody knows", "paths/op.go", "if err := knownFields(path, r); err != nil {", "if err := knownFields(path, r); false {", engine, "TestTenantIsNoField"},

	// Whose a key is.
	{"calls within a tenant", "paths/verify.go", "found == nil || within != \"\" && found.Tenant.UID != within", "found == nil", engine, "TestTenantsAreApart"},
	{
		"keys of a former tenant of the name", "internal/store/keys.go", "if err == nil && (k == nil || k.UID != t.UID) {", "if err == nil && k == nil {",
		store, "TestWhatCarriesAnotherUIDDoesNotExist",
	},
	{"writing over such keys", "internal/store/keys.go", "if old != nil && old.UID == t.UID {", "if old != nil {", store, "TestWhatCarriesAnotherUIDDoesNotExist"},
	{"roles of a former tenant", "internal/store/keys.go", "(r.UID != t.UID || !r.DeletedAt.IsZero())", "!r.DeletedAt.IsZero()", store, "TestWhatCarriesAnotherUIDDoesNotExist"},
	{"the role of a leased key of a former tenant", "internal/store/keys.go", "if err != nil || r.UID != k.UID {", "if err != nil {", store, "TestRoleOfAnotherUIDRevokesNothing"},
	{"index entries that lie", "internal/store/ids.go", "k.UID != c.uid || ", "", store, "TestIndexEntriesThatLie|TestWhatCarriesAnotherUIDDoesNotExist"},
	{"records of a former tenant", "internal/store/ids.go", "|| t.UID != k.UID {", "{", store, "TestIndexEntriesThatLie|TestWhatCarriesAnotherUIDDoesNotExist"},
	{"records that may still change, in memory", "internal/store/records.go", "\tif !unsettled {\n\t\tr.cache.fill", "\tif !unsettled || true {\n\t\tr.cache.fill", store, unknown},
	{"no-ops that are written again", "internal/store/records.go", "case r.writes.unsettled(path):", "case false:", store, unknown},
	{"absent records that are deleted again", "internal/store/records.go", "\t\treturn r.remove(ctx, s, at)", "\t\treturn nil", store, "TestSettle"},
	{"no-ops that leave what they have loaded", "internal/store/records.go", "case stored != nil && !r.cache.fill(path, r.slimmed(stored), generation):", "case false:", store, "TestNoChangeLeavesWhatItHasRead"},
	{"key IDs that may still change, in memory", "internal/store/ids.go", "if err != nil || unsettled {", "if err != nil || unsettled && false {", store, "TestKeyIDsThatMayStillChangeAreRead"},
	{"key IDs given up that may still come", "internal/store/ids.go", "if has == nil && !st.writes.unsettled(path) ||", "if has == nil ||", store, "TestGivingUpWhatMayStillCome"},
	{"writes that outlive their callers", "internal/store/writes.go", "context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)", "context.WithTimeout(ctx, writeDeadline)", store, unknown},
	{"how many writes of a tenant may be unknown", "internal/store/writes.go", "return of != \"\" && (own >= mostOfOne || ", "return of != \"\" && (", store, "TestUnknownOutcomesAreBounded|TestAFullShareIsSettledAtOnce"},
	{"claims of what may still come", "internal/store/walk.go", " || st.keys.writes.unsettled(c.at.path())", "", store, "TestWalkLeavesClaimsOfWhatMayStillCome"},
	{"ended keys that are gone", "internal/store/counts.go", "c.n, c.ended, c.known = n, ended, true", "c.n, c.known = n, true", store, "TestCountsAfterADeletionToldAsFailed"},
	{"uses that move while they are read", "internal/store/usage_read.go", "if writes != r.writes {", "if false {", store, "TestUsesThatMoveWhileTheyAreRead"},
	{"reveals again after a crash", "internal/store/usage_read.go", " || k.Version(keyID).IssuedAt.Before(uses.forgotten), nil", ", nil", store, "TestWhetherAVersionWasUsedBeforeACrash"},
	{"writes of which nobody knows that are settled", "internal/store/records.go", "\treturn r.keep(ctx, s, at, stored, 0)", "\t_ = stored\n\treturn nil", store, "TestSettle"},
	{"errors of storage", "paths/op.go", "\treturn errFailed\n}", "\treturn err\n}", engine, "TestFailingStorage"},
	{"items beyond what a batch may have", "paths/batch.go", "for d.More() && len(items) <= maxBatch {", "for d.More() {", "./paths", "TestUnpackingTakesLittle"},
	{"strange fields of one item of a text", "paths/batch.go", "if !slices.Contains(verifyItemFields, name) {", "if false {", "./paths", "TestUnpackingTakesLittle"},
	{"key IDs that are taken", "internal/store/ids.go", "err == nil && has != nil && *has != c:", "err == nil && has == &c:", store, "TestClaimsAreNeverOverwritten|TestOneOfManyClaimsWins"},

	// What one tenant's work may take from others.
	{"heavy calls at the gate", "paths/verify.go", "if !r.turned && c.isHeavy(found.Key, found.Tenant, r.config) {", "if false {", "./paths", "TestHeavyCallsWait"},
	{"heavy messages to sign at the gate", "paths/sign.go", "if !r.turned && 2*len(c.content) >= heavy {", "if false {", engine, "TestExplanationsAndLongSignaturesWait"},
	{"explanations at the gate", "paths/explain.go", "place, err := r.enter(ctx, h.shares.work, r.owner())", "place, err := r.enter(ctx, newShares(64).work, r.owner())", engine, "TestExplanationsAndLongSignaturesWait"},
	{"pages that are too long", "paths/list.go", "parseInt(\"limit\", raw, -1<<53, pageMost)", "parseInt(\"limit\", raw, -1<<53, 1<<53)", engine, "TestListLimits"},
	{"what a page leaves out", "paths/list.go", "if p.next != \"\" {", "if false {", engine, "TestListsByPages"},
	{"owners that a list is not to show", "paths/filter.go", "*f.owner == k.Owner)", "true)", engine, "TestKeyFilters"},
	{
		"uses that are read once for all keys", "internal/store/usage_read.go", "strings.Compare(a.group, b.group)", "strings.Compare(a.group, a.group)",
		store, "TestEachLastUsedReadsEntriesOnce",
	},
	{"who took a secret, out of memory", "internal/store/store.go", "by != nil && k.Lease != nil {", "by != nil {", store, "TestWhoDidWhatStaysOutOfMemory"},
	{"lists and reports at the gate", "paths/fair.go", "turn, err := r.take(ctx, h.shares.walks, manyItems)", "turn, err := r.take(ctx, h.shares.walks, 0)", engine, "TestOneTenantsWorkHoldsUpItsOwnAlone"},
	{"plain calls that pass the gate by", "paths/fair.go", "return len(c.content) > light && c.weight(k, t, m) >= heavy", "return true", "./paths", "TestPlainCallsPassTheGateBy"},
	{"one tenant's places", "internal/fair/gate.go", "s.in < g.bounds.Each && g.in < g.bounds.All {", "g.in < g.bounds.All {", "./internal/fair", "TestNobodyTakesAllPlaces"},
	{"one tenant's queue", "internal/fair/gate.go", "if s.waiting.Len() >= g.bounds.Queue {", "if false {", "./internal/fair", "TestWhoDoesNotGetIn"},
	{"turns by tenant", "internal/fair/gate.go", "s.turn = g.turns.PushBack(s)", "s.turn = g.turns.PushFront(s)", "./internal/fair", "TestTenantsTakeTurns"},
	{"tenants that have left", "internal/fair/gate.go", "delete(g.tenants, s.tenant)", "_ = s", "./internal/fair", "TestNothingIsKeptOfWhoHasLeft"},
	{"callers who have gone", "paths/fair.go", "if err := stopping(ctx.Err()); err != nil {", "if err := stopping(ctx.Err()); false {", engine, "TestWorkStopsWhenItsCallerGoes"},
	{
		"imports whose caller has gone", "internal/fair/gate.go", "if err := ctx.Err(); err != nil {\n\t\treturn Place{}, err\n\t}\n\ts, w",
		"if err := ctx.Err(); false {\n\t\treturn Place{}, err\n\t}\n\ts, w", engine, "TestWorkStopsWhenItsCallerGoes",
	},
	{"long metadata in one answer", "paths/verify_batch.go", "m.of[f.Tenant.UID] < fatMost-m.all", "true", engine, "TestBatchTellsSoMuchOfLongMetadata"},
	{"calls that no answer has room for", "paths/verify.go", "of.Seen = nil // what is not answered", "_ = of // what is not answered", engine, "TestBatchTellsSoMuchOfLongMetadata"},
	{"sizes of RSA keys", "internal/seal/seal.go", "bits > maxModulus || ", "", "./internal/seal", "TestRSAIsBounded"},
	{"exponents of RSA keys", "internal/seal/seal.go", " || public.E > maxExponent", "", "./internal/seal", "TestRSAIsBounded"},
	{"stored recipients over a bound", "paths/handover.go", "if err := seal.CheckAll(k.Rules.Get().Recipients.List()); err != nil {", "if err := seal.CheckAll(nil); err != nil {", engine, "TestRecipientsFromBeforeTheBounds"},

	// What the sweep may take.
	{"rotations before all else", "internal/sweep/run.go", "if from.n == 0 || r.chores.n > 0 && ", "if from.n == 0 || r.chores.n > 0 || ", sweep, "TestRotationsBeforeAnErasure"},
	{"workers left to rotations", "internal/sweep/run.go", " && 2*r.chored < r.working+1", "", sweep, "TestChoresLeaveWorkersToRotations"},
	{"a turn for each tenant", "internal/sweep/queue.go", "q.next = append(q.next, l)\n\t} else", "q.next = append([]*lane{l}, q.next...)\n\t} else", sweep, "TestRotationsAreFairByTenant"},
	{"a look at keys for each resumption", "internal/sweep/resume.go", "if !ok || kept.resumption != g.of {", "if !ok {", sweep, "TestResumptionOfANamesake"},
	{"rotations beside uses nobody can read", "internal/sweep/entry.go", "if blind && e.Rotation() && !r.stopped() {", "if false {", sweep, "TestRotationsWhileUsesCannotBeRead"},
	{"rotations beside chores that fail", "internal/sweep/sweep.go", "return matter{e.String(), e.Rotation()}", "return matter{e.String(), false}", sweep, "TestRotationsWhileAChoreWaits"},
	{"no write by a sweep that was stopped", "internal/sweep/guard.go", "if g.run.stopped() {", "if false {", sweep, "TestSweepStops"},
	{"no write after one that failed", "internal/sweep/guard.go", "if err != nil && g.run.alone.Load() {", "if false {", sweep, "TestSweepStops"},
	{"no write by a node that may not", "internal/sweep/run.go", "if !r.may() {", "if false {", sweep, "TestSweepStops"},

	// What a verdict is made of.
	{"the signature", verdict, "if !signed || c.Call.Scheme", "_ = signed\n\tif c.Call.Scheme", core, "TestEveryVerdictIsReached|TestVerdictPrecedence"},
	{"the key's scheme", verdict, "|| c.Call.Scheme != c.Key.Scheme {", "{", core, "TestCallOfAnotherSchemeIsABadSignature"},
	{"one MAC for unknown keys too", verdict, "\t\tc.spend()\n", "", core, "TestUnknownKeyComputesAMAC"},
	{
		"nothing told before the signature", verdict, "\tmatched, signed := c.signed(", "\tif verdict := c.Key.standing(v, c.Tenant, c.Role, now); verdict != Valid {\n\t\treturn verdict, v\n\t}\n\tmatched, signed := c.signed(",
		core, "TestVerdictPrecedence",
	},
	{"forms that a key has not let in", "signing/variants.go", "case !keyed || form&^allowed != 0:", "case !keyed:", core, "TestFormsAreMalformedUnlessLetIn"},
	{"nothing told of forms before the signature", verdict, "\tif len(c.Call.Form) > 0 {\n\t\treturn Malformed", "\tif false {\n\t\treturn Malformed", core, "TestFormsAreMalformedUnlessLetIn"},
	{"bytes hashed for variants", "signing/variants.go", "left < 0 {", "false {", "./signing", "TestBytesOfVariantsAreBounded"},
	{"the text of a secret as its key", "internal/apikey/compat.go", "|| v.Marks.Get().Imported {", "|| true {", core, "TestKeyASCIIIsForImportedVersions"},
	{"variants for imported keys alone", "internal/apikey/compat.go", "if !imported && ", "if false && ", core, "TestCheckCompat|TestRoleCheck"},
	{"calls after their own end", verdict, " || !c.Call.Expires.IsZero() && !now.Before(c.Call.Expires):", ":", core, "TestExpiresOfACall"},
	{"the keyring of a mount that has none", "paths/keyring.go", "if !r.config.LocalVerify {", "if false {", engine, "TestKeyringIsShut"},
	{"the keyring for tenants that have not agreed", "paths/keyring.go", "case found.Tenant.Caps(c).LocalVerify != tenant.Yes:", "case false:", engine, "TestKeyringIsShut"},
	{"the keyring for keys that never leave", "paths/keyring.go", "case found.Key.Reveal == apikey.RevealNever && found.Key.Lease == nil:", "case false:", engine, "TestKeyringIsShut"},
	{"a provider who has said no to local verification", "internal/tenant/tenant.go", "provider != No && ", "", "./internal/tenant", "TestLocalVerify"},
	{"suspended tenants", verdict, "case t.State() != tenant.Active:", "case false:", core, "TestVerdictPrecedence"},
	{"revoked versions", verdict, "|| !v.RevokedAt.IsZero() ||", "||", core, "TestVerdictPrecedence|TestRevokeOldVersion"},
	{"leased keys that their role has revoked", verdict, "|| k.Outlived(role):", ":", core, "TestSeenIsAskedLast"},
	{"disabled versions", verdict, "|| !v.DisabledAt.IsZero() ||", "||", core, "TestSeenIsAskedLast"},
	{"deleted keys", verdict, " || !k.DeletedAt.IsZero():", ":", core, "TestSeenIsAskedLast"},
	{"expired versions", verdict, "case v.expired(now):", "case false:", core, "TestExpiryIsExactToTheSecond"},
	{"old calls", verdict, "age > c.Past ||", "", core, "TestClockWindow"},
	{"calls from before the start", verdict, "|| stamp.Before(c.Since)", "", core, "TestSince"},
	{"calls from the future", verdict, "case age < -c.Future:", "case false:", core, "TestClockWindow"},
	{"addresses", verdict, "if !c.within() {", "if false {", core, "TestEveryVerdictIsReached|TestVerdictPrecedence"},
	{"addresses that are not known", limits, "if ranges.Empty() {", "if ranges.Empty() || !c.From.IsValid() {", core, "TestSources"},
	{"scopes", verdict, "if c.OutOf() != InBounds {", "if false {", core, "TestEveryVerdictIsReached|TestVerdictPrecedence"},
	{"scopes of messages", limits, "if c.Head == nil {\n\t\treturn BoundMessage", "if c.Head == nil {\n\t\treturn InBounds", core, "TestSeenIsAskedLast"},
	{"paths with two readings", limits, "if match.Ambiguous(c.Head.Path()) {", "if false {", core, "TestWhatCallsMayBeFor"},
	{"paths that are too long", limits, "if !path.Read(c.Head.Path()) {", "if path.Read(c.Head.Path()); false {", core, "TestOldRulesAreOutOfScope"},
	{"paths that are encoded twice", matching + "ambiguous.go", "|| escapedAgain(decoded) ||", "||", matchers, "TestAmbiguousPaths"},
	{"paths that are no UTF-8", matching + "ambiguous.go", "!utf8.Valid(decoded) ||", "", matchers, "TestAmbiguousPaths"},
	{"paths that look like others", matching + "ambiguous.go", "|| isOneOf(lookAlikes, r):", ":", matchers, "TestAmbiguousPaths"},
	{"dots among blanks", matching + "ambiguous.go", "|| isInvisible(r):", ":", matchers, "TestAmbiguousPaths"},
	{"globs of too many segments", matching + "glob.go", "strings.Count(s, \"/\") > MaxGlobSegments ||", "", matchers, "TestBoundsOfGlobs"},
	{"globs of too many **", matching + "glob.go", "\tif deep > MaxDeep {", "\tif false {", matchers, "TestBoundsOfGlobs"},
	{"segments of too many *", matching + "glob.go", "if strings.Count(text, \"*\") > MaxStars {", "if false {", matchers, "TestBoundsOfGlobs"},
	{"lists that look through a path too often", matching + "glob.go", "searches+cost > MaxSearches ||", "", core, "TestWorkOfACall"},
	{"lists that are too long", matching + "glob.go", "|| size+len(path) > MaxList {", "{", core, "TestWorkOfACall"},
	{"what is published", limits, "if !globs.Empty() && !globs.Match(&path) {", "if false && !globs.Match(&path) {", core, "TestWhatCallsMayBeFor"},
	{"whom a call acts as", limits, "if limits.User != \"\" && !actsAs(c.Head, limits.User) {", "if false {", core, "TestWhatCallsMayBeFor"},
	{"replays", verdict, "&& c.Seen != nil && c.Seen() {", "&& false {", core, "TestEveryVerdictIsReached|TestSeenIsAskedLast"},

	// What leaves, and who gets it.
	{"a secret handed out twice", "internal/apikey/reveal.go", "if k.Reveal == RevealOnce && !v.RevealedAt.IsZero() {", "if false {", core, "TestRevealOnceMayBeRepeatedByTheSameRequestAlone"},
	{"a secret never handed out", "internal/apikey/reveal.go", "if k.Reveal == RevealNever {", "if false {", core, "TestRevealNever"},
	{"wrapping where the mount wants it", "paths/handover.go", "if r.config.ForceWrap {", "if false {", engine, "TestForcedWrapping"},
	{"sealing where the caller wants it", "paths/handover.go", "if recipient == \"\" {", "if true {", engine, "TestSealedToACaller"},
	{
		"pickup for recipients alone", "paths/pickup.go", "\tdata[\"key_id\"], data[\"sealed\"]", "\tdata[\"key\"] = secretData(j.found.Key, j.found.Key.Newest())[\"key\"]\n\tdata[\"key_id\"], data[\"sealed\"]",
		engine, "TestPickup",
	},
	{"pickup by calls that are good", "paths/pickup.go", "if j.verdict != apikey.Valid {", "if !j.verdict.Signed() {", engine, "TestPickup"},
	{"pickup by overlapping versions", "paths/pickup.go", "if j.version == j.found.Key.Newest() {", "if false {", engine, "TestPickup"},
	{"pickup once for each call", "paths/verify.go", "= head, c.from, r.config, strict", "= head, c.from, r.config, false", engine, "TestPickup"},
	{"handing over what would not verify", "internal/apikey/reveal.go", "\tif verdict == Valid {\n\t\treturn nil", "\tif true {\n\t\treturn nil", core, "TestRevealOfWhatWouldNotVerify"},

	// What comes in, comes back, or ends.
	{"the end of the provider's import", "paths/import.go", "if !r.now.Before(r.config.ImportUntil) {", "if false {", engine, "TestAdminImport"},
	{"imports for a suspended tenant", "paths/import.go", "if err == nil && t.State() != tenant.Active {", "if false {", engine, "TestAdminImport"},
	{"imports of an ID that is spent", "internal/store/import.go", "if !v.Marks.Get().Imported || next", "if true || next", engine, "TestImportedIDsAreNeverReused"},
	{"imports of an ID that is taken", "paths/import.go", "if err == nil && !free {", "if err == nil && !free && false {", engine, "TestImportItems"},
	{"imports over a key", "paths/import.go", "\t\tif old != nil {\n\t\t\treturn nil, errNameTaken(k)", "\t\tif false {\n\t\t\treturn nil, errNameTaken(k)", engine, "TestImportItems"},
	{"the time to restore a key", "internal/apikey/lifecycle.go", "if !now.Before(k.DeletedAt.Add(retention)) {", "if false {", core, "TestRestoreEndsWithTheRetention"},
	{"the time to restore a tenant", "paths/admin.go", "if t.Gone(r.config.Retention, r.now) {", "if false {", engine, "TestTenantIsRestoredInTimeOnly"},
	{"own limits that are looser", "paths/tenant.go", "t.CheckOwn(old.Own, r.config)", "error(nil)", engine, "TestOwnLimitsOnlyTighten"},
	{"how many keys there may be", "internal/store/counts.go", "if n.live() >= limit {", "if false {", store, "TestLimits"},
	{"how many ended leased keys are kept", "internal/store/counts.go", "if n.n >= limit+max(limit, leastEnded) {", "if false {", store, "TestEndedLeasesAreBounded|TestBoundOfEndedLeasesUnderLoad"},
	{"how many calls all tenants may have remembered", "internal/replay/table.go", "if own >= int64(b.Node)-used {", "if false {", "./internal/replay", "TestShares|TestSharedRoom"},
	{"calls of a ledger that was dropped", "internal/replay/table.go", "\tif s.gone {\n\t\treturn New, true", "\tif false {\n\t\treturn New, true", "./internal/replay", "TestDroppedLedgerTakesNoCalls"},
	{"calls of before a ledger was dropped", "internal/replay/table.go", "l.shards[i].floor = t.floor", "_ = i", "./internal/replay", "TestClockSetBackAfterADrop"},
	{"what a forgotten tenant leaves to others", "internal/replay/table.go", "if until != math.MaxInt64 {\n\t\tt.floor", "if true {\n\t\tt.floor", "./internal/replay", "TestForgottenTenantsLeaveOthersAlone"},
	{"how long a packed batch may be", "paths/batch.go", "len(text) > maxPacked {", "len(text) < 0 {", "./paths", "TestUnpackingTakesLittle"},
	{"calls of tenants that are silent", "backend/periodic.go", "\th.ForgetCalls()\n", "", engine, "TestSilentTenantsAreForgotten"},
	{"a tenant's own entries of uses", "internal/store/usage_tree.go", "return familyUsage + \"/\" + uid + \"/\"", "return familyUsage + \"/all/\"", store, "TestNobodyMakesAnotherTenantsUsesForgotten|TestUsesOfATenantGoWithIt"},
	{"how many uses of a tenant are collected", "internal/store/usage.go", "if o.cells.Load() >= int64(st.usage.most) {", "if false {", store, "TestUsesThatFindNoRoom"},
	{"how many uses of a tenant wait", "internal/store/usage.go", "if o.waits >= most {", "if false {", store, "TestUsesThatFindNoRoom"},
	{"uses that a crash has lost", "internal/store/usage_mark.go", "other || len(b.shards) > 0", "other && false", store, "TestUsesThatAnotherHasLost"},
	{"uses that were forgotten for want of room", "internal/store/usage.go", "\t\t\t\traise(&o.missed, minute)\n", "", store, "TestUsesThatFindNoRoom"},
	{"idle keys whose last use is not known", "internal/apikey/tend.go", "if c.MaybeUsed.After(c.LastUsed) {", "if false {", engine, "TestUnloadingThatCannotWrite"},
	{"uses of versions that are trimmed", "internal/store/keys.go", "\t\tst.usage.forget(at, before, k)\n", "\t\t_ = before\n", store, "TestUsesGoWithTheirVersions"},
	{"reveals again where uses cannot be read", "paths/reveal.go", "return used || err != nil", "return used && err == nil", engine, "TestRevealWithoutUses"},
	{"uses of another that are written first", "internal/store/usage_flush.go", "all = append(all, r)", "all = append([]*round{r}, all...)", store, "TestFlushIsFairByTenant"},
	{"secrets without entropy", "internal/apikey/import.go", "case weakness(v.Secret.Reveal()) != \"\":", "case false:", core, "TestKeysWithoutEntropyAreNotImported"},
	{"short secrets", "internal/apikey/import.go", "case size < MinSecret || size > MaxSecret:", "case size < 0:", engine, "TestImportItems"},

	// What the shipped policies grant, and what the command that tests the separation lets pass.
	{"lists with the slash", "bootstrap/policies/auditor.hcl", "my/+/keys/\"", "my/+/keys\"", shipped, "TestGrants"},
	{"what monitoring may read", "bootstrap/policies/monitor.hcl", "apikeys/status", "apikeys/config", shipped, "TestGrants|TestMonitor"},
	{"the SPA at the settings", "bootstrap/policies/spa.hcl", "\"apikeys/config\"", "\"apikeys/config/none\"", shipped, "TestSPAHoldsNothingMore"},
	{"the SPA at the keyring", "bootstrap/policies/spa.hcl", "apikeys/keyring/+", "apikeys/keyring/none", shipped, "TestSPAHoldsNothingMore"},
	{"the SPA at the settings, unseen", "scripts/isolation/walls.go", "\"admin/report\", \"status\":", "\"admin/report\", \"config\":", "./scripts/isolation", "TestSPAMay"},
}
