package paths

import (
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	// heavy is the weight from which on a call waits for its tenant's turn: bytes looked at or hashed. A call with a
	// head of 600 bytes weighs 1200.
	heavy = 48 << 10
	// light is a length of content that no settings of a key make heavy: see [call.weight].
	light = (heavy - maxLists*match.MaxList) / (1 + maxMACs + maxLists*match.MaxSearches)
	// maxLists are the key's scopes, and the paths that mount, provider and tenant have published.
	maxLists = 4
	// maxMACs is how many MACs a key with variants costs: see [signing.Call.SignedAs].
	maxMACs = 16
	// manyItems is the number of items from which on a tenant's batch needs a turn, and of items or records that are
	// done before others are let in.
	manyItems = 32
	// patience is how long a request waits for its turns.
	patience = 5 * time.Second
	// batchPatience is how much of that a batch of many tenants waits for the turns of one: each of its items waits for
	// those before it.
	batchPatience = time.Second
	queued        = 32
	// importWorkers write at the same time, because storage takes many writes in the time of one.
	importWorkers = 16
)

// shares are the places for work that costs more than a plain call.
type shares struct {
	work   *fair.Gate // what keeps a processor busy: explain, long or lenient calls, tenants' batches
	walks  *fair.Gate // what reads many records, or seals: lists, report, due, handover
	writes *fair.Gate // what an import writes, one by one
	own    *fair.Gate // what tenants write of their own records, one at a time: their suspension waits for one at most
}

// newShares leaves a processor to plain calls where there are several. More walks go on at once, because they mostly
// wait for storage.
func newShares(processors int) *shares {
	work, walks := max(1, processors-1), 8*processors
	return &shares{
		work:   fair.New(fair.Bounds{All: work, Each: max(1, work/2), Queue: queued}),
		walks:  fair.New(fair.Bounds{All: walks, Each: walks / 4, Queue: queued}),
		writes: fair.New(fair.Bounds{All: 4 * importWorkers, Each: importWorkers, Queue: queued * importWorkers}),
		own:    fair.New(fair.Bounds{All: 4 * importWorkers, Each: 1, Queue: queued}),
	}
}

// isHeavy reports whether a call needs a turn. That is known before the work is done.
func (c *call) isHeavy(g *apikey.Grant) bool {
	//mutate:true "plain calls that pass the gate by" TestPlainCallsPassTheGateBy
	return len(c.content) > light && c.weight(g) >= heavy
}

// weight estimates the bytes that judging the call looks at or hashes: the content once, and once for each MAC; for
// each list of globs all of its text, and the path as often as it may be searched.
func (c *call) weight(g *apikey.Grant) int {
	if g.Standing == apikey.UnknownKey || !c.http {
		return 2 * len(c.content)
	}
	lists := 0
	if !g.Scopes.Empty() {
		lists++
	}
	for _, globs := range g.Published {
		if !globs.Empty() {
			lists++
		}
	}
	path, _, _ := strings.Cut(c.content, "\n")
	return len(c.content) + c.hashed(len(g.Compat)) +
		lists*(match.MaxList+match.MaxSearches*min(len(path), match.MaxPath))
}

// hashed is how many bytes the MACs hash, because each variant at most doubles their number.
func (c *call) hashed(variants int) int {
	if variants == 0 {
		return len(c.content)
	}
	macs := min(maxMACs, 1<<variants)
	return len(c.content) + min((macs-1)*len(c.content), signing.MaxVariantBytes)
}
