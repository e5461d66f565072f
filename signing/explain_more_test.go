package signing

import (
	"encoding/base64"
	"strings"
	"testing"
)

// A client that signs an empty path where / is sent.
func TestExplainEmptyPaths(t *testing.T) {
	key := string(explainedBytes(t))
	const head = "GET /?a=b HTTP/1.1\nHost: api.example.com\n"
	const three, two = `("@method" "@authority" "@path" "@query")` + inputParams, `("@method" "@target-uri")` +
		inputParams
	for _, row := range []struct{ want, params, lines string }{
		{"", three, "\"@authority\": api.example.com\n\"@path\": /\n\"@query\": ?a=b\n"},
		{"path_empty", three, "\"@authority\": api.example.com\n\"@path\": \n\"@query\": ?a=b\n"},
		{"path_empty query_mark", three, "\"@authority\": api.example.com\n\"@path\": \n\"@query\": a=b\n"},
		{"path_empty", two, "\"@target-uri\": https://api.example.com?a=b\n"},
	} {
		text := "\"@method\": GET\n" + row.lines + `"@signature-params": ` + row.params
		explains(t, text, attempted(t, signedBy(head, row.params, key, text)), RFC9421, nil, row.want)
	}
	for path, want := range map[string]string{"/": "", "": "path_empty"} {
		text := joined(explainedSalt, "GET", path, explainedTime, "")
		a := attempted(t, authorized("GET / HTTP/1.1\n", explainedTime, urlText(sum(key, text))))
		explains(t, text, a, Vrnt1, nil, want)
	}
	deep := joined(explainedSalt, "GET", "", explainedTime, "")
	explains(t, "a path that is not empty",
		attempted(t, authorized("GET /a HTTP/1.1\n", explainedTime, urlText(sum(key, deep)))), Vrnt1, nil,
		"no_known_mistake")
}

// Names and values that a language or a locale has put in lower case.
func TestExplainOtherLowerCase(t *testing.T) {
	key := string(explainedBytes(t))
	for _, row := range []struct{ name, sent, signed, want string }{
		{"ASCII alone", "Verint-ID: Ünal ÎŞ", "verint-id:Ünal ÎŞ", ""},
		{"Unicode", "Verint-ID: Ünal İŞ", "verint-id:ünal iş", "other_lower_case"},
		{"Unicode, in full", "Verint-ID: İX", "verint-id:i\u0307x", "other_lower_case"},
		{"a final sigma", "Verint-ID: ΣΑΣ", "verint-id:σας", "other_lower_case"},
		{"Turkish", "Verint-ID: INES İ", "verint-ıd:ınes i", "other_lower_case"},
		{"Turkish, names alone", "Verint-ID: INES", "verint-ıd:ines", "other_lower_case"},
		{"Turkish, values alone", "Verint-ID: INES", "verint-id:ınes", "other_lower_case"},
		{"Latin-1", "Verint-ID: \xdcN\xd7", "verint-id:\xfcn\xd7", "other_lower_case"},
		{"no rule at all", "Verint-ID: INES", "verint-id:xnes", "no_known_mistake"},
	} {
		text := joined(explainedSalt, "GET", "/", explainedTime, row.signed, "")
		a := attempted(t, authorized("GET / HTTP/1.1\n"+row.sent+"\n", explainedTime, urlText(sum(key, text))))
		explains(t, row.name, a, Vrnt1, nil, row.want)
	}
	const head = "GET / HTTP/1.1\nHost: API.example.com:443\nX-ID: A\n"
	const params = `("@method" "@authority" "@path" "x-id")` + inputParams
	for _, row := range []struct{ lines, want string }{
		{"\"@authority\": api.example.com\n\"@path\": /\n\"x-id\": A\n", ""},
		{"\"@authority\": apı.example.com\n\"@path\": /\n\"x-id\": A\n", "other_lower_case"},
		{"\"@authority\": api.example.com\n\"@path\": /\n\"x-ıd\": A\n", "other_lower_case"},
	} {
		text := "\"@method\": GET\n" + row.lines + `"@signature-params": ` + params
		explains(t, text, attempted(t, signedBy(head, params, key, text)), RFC9421, nil, row.want)
	}
}

// A body that the head announces is asked for where its digest is covered, or where nothing else explains the call.
func TestExplainWithoutTheBody(t *testing.T) {
	key := explainedBytes(t)
	signed := func(scheme Scheme, framing string, digest string) string {
		text := "PUT /a HTTP/1.1\nHost: h\n" + framing + digest
		add, err := SignHead(scheme, mustParseHead(t, text), explainedID, key, explainedNow)
		if err != nil {
			t.Fatal(err)
		}
		return with(text, add)
	}
	const length, chunked = "Content-Length: 2\n", "Transfer-Encoding: chunked\n"
	digest, empty := "Content-Digest: "+DigestBody([]byte("{}"))+"\n", "Content-Digest: "+DigestBody(nil)+"\n"
	for _, row := range []struct {
		name, head string
		scheme     Scheme
		body       []byte
		want       string
	}{
		{"given", signed(RFC9421, length, digest), RFC9421, []byte("{}"), ""},
		{"not given", signed(RFC9421, length, digest), RFC9421, nil, "body_not_given"},
		{"in chunks, not given", signed(RFC9421, chunked, digest), RFC9421, nil, "body_not_given"},
		{"empty", signed(RFC9421, length, empty), RFC9421, []byte{}, "body_not_given"},
		{"no chunks", signed(RFC9421, chunked, empty), RFC9421, []byte{}, ""},
		{"none announced", signed(RFC9421, "Content-Length: 0\n", ""), RFC9421, nil, ""},
		{"vrnt-1", signed(Vrnt1, length, ""), Vrnt1, nil, ""},
		{
			"vrnt-1, unexplained", strings.Replace(signed(Vrnt1, length, ""), "/a", "/b", 1), Vrnt1, nil,
			"body_not_given no_known_mistake",
		},
	} {
		e := attempted(t, row.head).Explain(row.scheme, key, row.body, explainedNow)
		if got := names(e.Findings); got != row.want {
			t.Errorf("%s: found %q, want %q", row.name, got, row.want)
		}
		if want := !strings.Contains(row.want, "known"); e.Signed != want {
			t.Errorf("%s: signed is %t", row.name, e.Signed)
		}
	}
}

// A second signature is named, and the one that was meant is explained all the same.
func TestExplainSeveralSignatures(t *testing.T) {
	key := string(explainedBytes(t))
	const head = "GET /a HTTP/1.1\nHost: api.example.com\n"
	const mine = `("@method" "@authority" "@path");created=1736937000;keyid="tEsTkId1";nonce="oKGio6SlpqeoqaqrrK2urw"`
	text := func(params string) string {
		return "\"@method\": GET\n\"@authority\": api.example.com\n\"@path\": /a\n\"@signature-params\": " + params
	}
	tag := func(text string) string { return base64.StdEncoding.EncodeToString(sum(key, text)) }
	carrying := func(inputs, tags []string) string {
		return head + "Signature-Input: " + strings.Join(inputs, "\nSignature-Input: ") + "\nSignature: " +
			strings.Join(tags, ", ") + "\n"
	}
	const tagged = mine + `;tag="apikeys"`
	for _, row := range []struct {
		want, head string
	}{
		{"", carrying([]string{"a=" + tagged, strangeInput}, []string{strangeTag, "a=:" + tag(text(tagged)) + ":"})},
		{"second_signature", carrying([]string{strangeInput, "a=" + mine}, []string{strangeTag, "a=:" +
			tag(text(mine)) + ":"})},
		{"second_signature", carrying([]string{"b=" + tagged, "a=" + tagged}, []string{"b=:" + tag(text(tagged)) +
			":", "a=::"})},
		{
			"base_final_lf second_signature",
			carrying([]string{strangeInput, "a=" + mine}, []string{strangeTag, "a=:" + tag(text(mine)+"\n") + ":"}),
		},
		{"base_final_lf", carrying([]string{strangeInput, "a=" + tagged}, []string{strangeTag, "a=:" +
			tag(text(tagged)+"\n") + ":"})},
		{"signature_label", carrying([]string{strangeInput, "a=" + tagged}, []string{"a=:" + tag(text(tagged)) + ":"})},
		{"sig_base64url", carrying([]string{strangeInput, "a=" + tagged}, []string{strangeTag, "a=:" +
			urlText(sum(key, text(tagged))) + ":"})},
		{"signature_input_malformed", carrying([]string{"a=" + tagged, "a=" + mine}, []string{"a=:" +
			tag(text(tagged)) + ":"})},
	} {
		e := attempted(t, row.head).Explain(RFC9421, []byte(key), nil, explainedNow)
		if got := names(e.Findings); got != row.want {
			t.Errorf("%s: found %q, want %q", row.head, got, row.want)
		}
	}
}
