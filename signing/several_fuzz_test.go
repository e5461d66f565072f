package signing

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
)

// FuzzSeveralSignatures holds the choice against one made with another parser of RFC 8941, slowly.
func FuzzSeveralSignatures(f *testing.F) {
	_, ours, ourTag := ownSigned("sig1", testNonce, ownTag)
	_, other, otherTag := ownSigned("sig3", testNonce+"3", "app")
	f.Add(ours, strangeInput, ourTag, strangeTag)
	f.Add(ours+", "+strangeInput, "", strangeTag+","+ourTag, "")
	f.Add(ours, ours, ourTag, ourTag)
	f.Add(other, `a=( "b";c  d 1.5 -1 ?0 :QQ==:);e;  f=g`, otherTag, "a=:QQ==:;h")
	f.Add(other, `a=();tag="apikeys"`, otherTag, "a=::")
	f.Fuzz(func(t *testing.T, input, input2, tag, tag2 string) {
		choicesAgree(t, input, input2, tag, tag2)
	})
}

// Dictionaries of chance, made of what matters in them, agree too.
func TestChoicesAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	_, ours, ourTag := ownSigned("s", testNonce, ownTag)
	inputs := []string{
		ours, "a=()", `b=("x");tag="apikeys"`, `c=( "x"  y;z )`, `s=();tag="b,\"c"`, "d=(", "e",
		`f=();tag=apikeys`, `g=()  `, "",
	}
	tags := []string{ourTag, "a=::", "b=:QQ==:", "c=:QQ==:;x=1", "s=::", "d=::", "e", `f="x"`, "g=:A:", ""}
	line := func(of []string, n []int) string {
		text := ""
		for i, at := range n {
			if i > 0 {
				text += []string{",", " ,", ",,", " ", ", "}[min(random.IntN(40), 4)]
			}
			text += of[at]
		}
		return strings.Trim(text, " ")
	}
	chosen := 0
	for range 40_000 {
		picks := make([][]int, 4)
		for i := range picks {
			for range random.IntN(4) {
				picks[i] = append(picks[i], random.IntN(4+random.IntN(len(inputs)-3)))
			}
		}
		if random.IntN(4) > 0 {
			picks[2], picks[3] = picks[1], picks[0]
		}
		if choicesAgree(t, line(inputs, picks[0]), line(inputs, picks[1]), line(tags, picks[2]), line(tags, picks[3])) {
			chosen++
		}
	}
	if chosen < 1000 {
		t.Errorf("only %d are chosen", chosen)
	}
}

// choicesAgree reports whether there is a choice.
func choicesAgree(t *testing.T, input, input2, tag, tag2 string) bool {
	t.Helper()
	text := "GET / HTTP/1.1\nHost: h"
	for _, line := range [][2]string{
		{"Signature-Input", input}, {"Signature-Input", input2}, {"Signature", tag}, {"Signature", tag2},
	} {
		if strings.ContainsAny(line[1], "\r\n") || strings.Trim(line[1], " ") != line[1] || isForeign(line[1]) {
			return false
		}
		if line[1] != "" {
			text += "\n" + line[0] + ": " + line[1]
		}
	}
	h, err := ParseHeadString(text)
	if err != nil {
		return false
	}
	gotInput, gotTag, err := h.chosen()
	label, ok := slowlyChosen(h)
	plain := !h.several && !strings.Contains(input+input2+tag+tag2, ",") // which is judged later
	switch {
	case err == nil && !ok && !plain:
		t.Fatalf("chosen: %s and %s, and none slowly", gotInput, gotTag)
	case err != nil && ok:
		t.Fatalf("not chosen, and slowly %s: %v", label, err)
	case err == nil && ok && (!strings.HasPrefix(gotInput, label+"=") || !strings.HasPrefix(gotTag, label+"=")):
		t.Fatalf("chosen: %s and %s, and slowly %s", gotInput, gotTag, label)
	}
	if call, err := ParseCall(h); err == nil {
		if attempt := ReadAttempt(h); len(attempt.Findings) > 0 || attempt.StringToSign != string(call.Message) {
			t.Fatalf("a call, and explained by %v", attempt.Findings)
		}
	} else if len(ReadAttempt(h).Findings) == 0 {
		t.Fatalf("does not say why it is no call: %v", err)
	}
	return ok
}

// slowlyChosen returns the label of the signature that is judged.
func slowlyChosen(h *Head) (label string, ok bool) {
	inputs, ok := slowDictionary(h, "Signature-Input")
	tags, ok2 := slowDictionary(h, "Signature")
	if !ok || !ok2 || !slices.Equal(slices.Sorted(maps.Keys(inputs)), slices.Sorted(maps.Keys(tags))) {
		return "", false
	}
	var tagged []string
	for label, m := range inputs {
		list, isList := m.(httpsfv.InnerList)
		item, isItem := tags[label].(httpsfv.Item)
		if !isList || !isItem {
			return "", false
		}
		if _, isBytes := item.Value.([]byte); !isBytes {
			return "", false
		}
		if tag, _ := list.Params.Get("tag"); tag == ownTag || len(inputs) == 1 {
			tagged = append(tagged, label)
		}
	}
	if len(tagged) != 1 {
		return "", false
	}
	return tagged[0], true
}

// slowDictionary reads each line of a dictionary by itself.
func slowDictionary(h *Head, name string) (map[string]httpsfv.Member, bool) {
	all := make(map[string]httpsfv.Member)
	for _, line := range h.Values(name) {
		dict, err := httpsfv.UnmarshalDictionary([]string{line})
		if err != nil || len(dict.Names()) == 0 ||
			strings.Count(withoutStrings(line), ",") != len(dict.Names())-1 {
			return nil, false // the library lets the last of one label win
		}
		for _, label := range dict.Names() {
			if _, twice := all[label]; twice {
				return nil, false
			}
			all[label], _ = dict.Get(label)
		}
	}
	return all, len(all) > 0 && len(all) <= maxSignatures
}

// withoutStrings returns a line without what is in its strings.
func withoutStrings(line string) string {
	var out strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case !inside:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// isForeign reports whether a line may have what RFC 9651 adds, or one parameter twice, of which the library shows the
// last alone.
func isForeign(line string) bool {
	bare := withoutStrings(line)
	for m := range strings.SplitSeq(bare, ",") {
		if strings.Count(m, "tag=") > 1 {
			return true
		}
	}
	return strings.ContainsAny(bare, "@%")
}
