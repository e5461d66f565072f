package paths

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

// standing returns the findings that stand between the call and a good verdict: those that the key does not let in, and
// the rule that said no.
func (e *explanation) standing(found *store.Match, r *request) []signing.Finding {
	var all []signing.Finding
	compat := found.Key.Variants(e.version)
	for _, f := range e.findings {
		beside := slices.Contains(signing.FindingsBeside, f.ID)
		if e.judged.Verdict.Signed() && !beside || slices.Contains(compat, string(f.Variant)) {
			continue
		}
		if f.Variant == signing.KeyASCII && !e.version.Marks.Get().Imported {
			f.Variant = "" // is for imported keys
		}
		all = append(all, f)
	}
	if e.judged.Verdict.Signed() && e.judged.Verdict != apikey.Valid {
		all = append(all, signing.Finding{ID: string(e.judged.Verdict), Text: e.rule(found, r)})
	}
	return all
}

// rule says which rule refused a call with a right signature, and what to do.
func (e *explanation) rule(found *store.Match, r *request) string {
	k, v := found.Key, e.version
	limits := k.Rules.Get().Limits
	switch e.judged.Verdict {
	case apikey.TenantSuspended:
		return "The provider has suspended the tenant; reading the tenant's settings shows since when and why. Ask " +
			"the provider."
	case apikey.VerdictRevoked:
		return "The version, or the whole key, is revoked for good. " + e.successor("Make another key.")
	case apikey.VerdictDisabled:
		return "The version, or the whole key, is disabled or deleted: enable or restore it, if its calls are to be " +
			"good again."
	case apikey.VerdictExpired:
		return fmt.Sprintf("The version ended at %s. %s", v.ExpiresAt.UTC().Format(time.RFC3339),
			e.successor("Rotate the key."))
	case apikey.TooOld:
		return e.tooOld(r.now)
	case apikey.TooNew:
		return fmt.Sprintf("The call is stamped %d seconds ahead, and may be %d: set the client's clock.",
			int64(e.in.Call.Time.Sub(r.now).Seconds()), field.Seconds(e.in.Grant.Future))
	case apikey.SourceDenied:
		from := "client_ip is not given, and without it the key is not good"
		if e.in.From.IsValid() {
			from = "The address " + e.in.From.String() + " is not allowed"
		}
		return fmt.Sprintf("%s: allowed_cidrs has %s.", from, strings.Join(limits.CIDRs.List(), ", "))
	case apikey.OutOfScope:
		return e.outOfScope(found)
	case apikey.Replayed:
		switch e.judged.Replay {
		case replay.Full:
			return "The server can remember no more calls of this tenant (replay_table_full, by replay_entries): try " +
				"later, signed anew, and tell the operator."
		case replay.Crowded:
			return "The server can remember no more calls of this tenant beside those of others (replay_table_full, " +
				"by replay_entries_total): try later, signed anew, and tell the operator."
		case replay.New, replay.Seen:
		}
		return "This very call has been accepted before: sign each attempt anew, retries too, with a new salt or nonce."
	case apikey.Malformed, apikey.UnknownKey, apikey.BadSignature, apikey.Valid:
	}
	return "" // no rule said no
}

func (e *explanation) successor(otherwise string) string {
	if e.version.RotatedTo != "" {
		return "Sign with its successor, " + e.version.RotatedTo + "."
	}
	return otherwise
}

func (e *explanation) tooOld(now time.Time) string {
	call := e.in.Call
	switch age := now.Sub(call.Time); {
	case age > e.in.Grant.Past:
		return fmt.Sprintf("The call is %d seconds old, and may be %d: set the client's clock, and sign each call "+
			"just before it is sent.",
			int64(age.Seconds()), field.Seconds(e.in.Grant.Past))
	case !call.Expires.IsZero() && !now.Before(call.Expires):
		return "The call's own expires has passed: sign it to live longer, or send it sooner."
	default:
		return "The server has started since the call was signed, and cannot know whether it was seen before: sign " +
			"it anew."
	}
}

func (e *explanation) outOfScope(found *store.Match) string {
	limits := found.Key.Rules.Get().Limits
	switch e.judged.ScopeRule {
	case apikey.ScopeMessage:
		return "The key has scopes, a user, or is bound to what is published, and a message can be held against none " +
			"of these: use a key without them."
	case apikey.ScopeAmbiguousPath:
		return "Two readers could take the path for different ones: write it without dot segments, //, ; and \\, " +
			"encoded or not, encoded slashes and control characters, what is encoded twice, and escapes that are " +
			"broken or no UTF-8."
	case apikey.ScopeLongPath:
		return fmt.Sprintf("The path is too long to be held against scopes and what is published: it may have %d "+
			"bytes and %d segments.",
			match.MaxPath, match.MaxSegments)
	case apikey.ScopeTooComplex:
		return "None of the key's scopes fits, and some are too complex to be looked at, from before there was a " +
			"bound: write them anew, with fewer **, and fewer * in a segment."
	case apikey.ScopeNoMatch:
		return fmt.Sprintf("None of the key's scopes fits %s %s: they are %s.", e.in.Head.Method(), e.in.Head.Path(),
			strings.Join(limits.Scopes.List(), ", "))
	case apikey.ScopeUnpublished:
		var lists []string
		for _, list := range e.in.Grant.PublishedLists() {
			lists = append(lists, strings.Join(list, ", "))
		}
		return fmt.Sprintf("%s is not published to external keys: published has %s.", e.in.Head.Path(),
			strings.Join(lists, "; and "))
	case apikey.ScopeUser:
		return fmt.Sprintf("The key acts as %s, and the call names another in %s.", limits.User, apikey.UserHeader)
	case apikey.InScope:
	}
	return "" // it was in scope when it was judged
}

// explanation is what the answer is made of.
type explanation struct {
	attempt  *signing.Attempt   // nil: no head could be read
	version  *apikey.Version    // nil: the key is unknown
	in       *apikey.JudgeInput // nil: the call is malformed
	judged   apikey.Judgement
	findings []signing.Finding
}
