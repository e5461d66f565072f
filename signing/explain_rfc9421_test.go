package signing

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

const (
	covered     = `("@method" "@authority" "@path" "@query" "content-digest")`
	inputParams = `;created=1736937000;keyid="tEsTkId1";nonce="oKGio6SlpqeoqaqrrK2urw"`
	postedBody  = `{"B": 1}`
)

// posted is the head that the clients here sign.
func posted() string {
	return "POST /a%20b/C?x=%201 HTTP/1.1\nHost: API.example.com:443\nContent-Length: 8\nContent-Digest: " + DigestBody(
		[]byte(postedBody),
	) + "\n"
}

// base is a signature base in which some texts are replaced.
func base(replaced ...string) string {
	text := "\"@method\": POST\n\"@authority\": api.example.com\n\"@path\": /a%20b/C\n\"@query\": " +
		"?x=%201\n\"content-digest\": " +
		DigestBody([]byte(postedBody)) + "\n\"@signature-params\": " + covered + inputParams
	return strings.NewReplacer(replaced...).Replace(text)
}

// signedBy returns the head with a signature over any text.
func signedBy(head, params, key, text string) string {
	return head + "Signature-Input: sig1=" + params + "\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(
		sum(key, text),
	) + ":\n"
}

// Each of the mistakes that clients make in the base, which is written out here.
func TestExplain9421(t *testing.T) {
	key := string(explainedBytes(t))
	digest := DigestBody([]byte(postedBody))
	lineOf := strings.SplitAfter(base(), "\n")
	for _, row := range []struct{ want, signed string }{
		{"", base()},
		{"component_quotes", base(`"@method"`+":", "@method:", `"@authority":`, "@authority:", `"@path":`, "@path:", `"@query":`, "@query:",
			`"content-digest":`, "content-digest:", `"@signature-params":`, "@signature-params:")},
		{"component_order", lineOf[1] + lineOf[0] + lineOf[2] + lineOf[3] + lineOf[4] + lineOf[5]},
		{"component_order", lineOf[4] + lineOf[3] + lineOf[2] + lineOf[1] + lineOf[0] + lineOf[5]},
		{"authority_port", base("api.example.com", "api.example.com:443")},
		{"authority_case", base("api.example.com", "API.example.com")},
		{"path_query", base("/a%20b/C", "/a%20b/C?x=%201")},
		{"path_decoded", base("/a%20b/C", "/a b/C")},
		{"path_slash", base("/a%20b/C", "/a%20b/C/")},
		{"path_encoded", base("/a%20b/C", "/a%2520b/C")},
		{"path_case", base("/a%20b/C", "/a%20b/c")},
		{"query_mark", base("?x=%201", "x=%201")},
		{"query_decoded", base("?x=%201", "?x= 1")},
		{"method_case", base("POST", "post")},
		{"params_missing", strings.Join(lineOf[:4], "") + strings.TrimSuffix(lineOf[4], "\n")},
		{"params_label", base(covered, "sig1="+covered)},
		{"params_quotes", base(covered, strings.ReplaceAll(covered, `"`, ""))},
		{"params_spacing", base(";", "; ")},
		{"params_spacing", base(covered, strings.ReplaceAll(covered, " ", ", "))},
		{"params_order", base(inputParams, `;keyid="tEsTkId1";created=1736937000;nonce="oKGio6SlpqeoqaqrrK2urw"`)},
		{"line_blank", base(": ", ":")},
		{"base_final_lf", base() + "\n"},
		{"crlf", strings.ReplaceAll(base(), "\n", "\r\n")},
		{"digest_signed", base(digest, DigestBody(nil))},
		{"no_known_mistake", base("/a%20b/C", "/elsewhere")},
		{"base_final_lf query_mark", base("?x=%201", "x=%201") + "\n"},
		{"authority_port method_case", base("api.example.com", "api.example.com:443", "POST", "post")},
	} {
		a := attempted(t, signedBy(posted(), covered+inputParams, key, row.signed))
		explains(t, row.signed, a, RFC9421, []byte(postedBody), row.want)
		if a.StringToSign != base() || a.KeyID != explainedID {
			t.Errorf("%s: the string to sign is %q", a.KeyID, a.StringToSign)
		}
	}
	explains(
		t,
		"ASCII",
		attempted(t, signedBy(posted(), covered+inputParams, explainedKey, base())),
		RFC9421,
		[]byte(postedBody),
		"key_ascii",
	)
	const uri, targeted = "GET /a?b HTTP/1.1\nHost: api.example.com\n", `("@method" "@target-uri")` + inputParams
	for target, want := range map[string]string{
		"https://api.example.com/a?b": "", "http://api.example.com/a?b": "target_uri_scheme", "/a?b": "target_uri_path",
	} {
		text := "\"@method\": GET\n\"@target-uri\": " + target + "\n\"@signature-params\": " + targeted
		explains(t, target, attempted(t, signedBy(uri, targeted, key, text)), RFC9421, nil, want)
	}
}

// The body may be another than its digest says, whatever was signed.
func TestExplainDigest(t *testing.T) {
	key := string(explainedBytes(t))
	right := attempted(t, signedBy(posted(), covered+inputParams, key, base()))
	if e := right.Explain(
		RFC9421,
		[]byte(key),
		[]byte("other"),
		explainedNow,
	); names(e.Findings) != "digest_mismatch" ||
		!e.Signed {
		t.Errorf("another body: %+v", e)
	}
	digest := DigestBody([]byte(postedBody))
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(digest, "sha-256=:"), ":"))
	if err != nil {
		t.Fatal(err)
	}
	odd := "sha-256=:" + hex.EncodeToString(raw) + ":"
	head := strings.Replace(posted(), digest, odd, 1)
	explains(
		t,
		"hexadecimal",
		attempted(t, signedBy(head, covered+inputParams, key, base(digest, odd))),
		RFC9421,
		[]byte(postedBody),
		"digest_malformed",
	)
	explains(
		t,
		"none",
		attempted(
			t,
			signedBy(
				strings.Replace(posted(), "Content-Digest: "+digest+"\n", "", 1),
				covered+inputParams,
				key,
				base(),
			),
		),
		RFC9421,
		[]byte(postedBody),
		"component_absent digest_missing",
	)
}

// What is wrong with the form is told without a key, and the base is judged all the same.
func TestExplain9421Form(t *testing.T) {
	key := string(explainedBytes(t))
	const head, list = "GET /a HTTP/1.1\nHost: api.example.com\n", `("@method" "@authority" "@path")`
	text := func(list, params string) string {
		lines := map[string]string{"@method": "GET", "@authority": "api.example.com", "@path": "/a", "date": "today"}
		var b strings.Builder
		for name := range strings.FieldsSeq(strings.Trim(list, "()")) {
			b.WriteString(name + ": " + lines[strings.Trim(name, `"`)] + "\n")
		}
		return b.String() + `"@signature-params": ` + list + params
	}
	with := func(list, params string) string { return signedBy(head, list+params, key, text(list, params)) }
	tag := sum(key, text(list, inputParams))
	carrying := func(signature string) string {
		return head + "Signature-Input: sig1=" + list + inputParams + "\nSignature: " + signature + "\n"
	}
	for _, row := range []struct{ want, head string }{
		{"", with(list, inputParams)},
		{"component_missing", with(`("@method" "@path")`, inputParams)},
		{"component_missing", with(`("@authority")`, inputParams)},
		{"component_absent", with(`("@method" "@authority" "@path" "date")`, inputParams)},
		{"component_unsupported", with(`("@method" "@authority" "@path" "@status")`, inputParams)},
		{"component_missing component_unsupported", with(`("@method";req "@authority" "@path")`, inputParams)},
		{"component_quotes component_unsupported", with(`(@method @authority @path)`, inputParams)},
		{"created_missing", with(list, strings.Replace(inputParams, ";created=1736937000", "", 1))},
		{"created_milliseconds", with(list, strings.Replace(inputParams, "1736937000", "1736937000000", 1))},
		{"created_malformed", with(list, strings.Replace(inputParams, "1736937000", `"1736937000"`, 1))},
		{"created_malformed", with(list, strings.Replace(inputParams, "1736937000", `1736937000.5`, 1))},
		{"keyid_missing", with(list, strings.Replace(inputParams, `;keyid="tEsTkId1"`, "", 1))},
		{"kid_malformed", with(list, strings.Replace(inputParams, `tEsTkId1`, "x", 1))},
		{"nonce_missing", with(list, `;created=1736937000;keyid="tEsTkId1"`)},
		{"nonce_malformed", with(list, strings.Replace(inputParams, explainedSalt, "short", 1))},
		{"alg_unsupported", with(list, inputParams+`;alg="hmac-sha512"`)},
		{"param_unsupported", with(list, inputParams+`;algorithm="x"`)},
		{"param_unsupported", with(list, inputParams+`;created=1736937000`)},
		{"expires_malformed", with(list, inputParams+`;expires=1736936999`)},
		{"signature_input_malformed", with(list, strings.ReplaceAll(inputParams, ";", "; "))},
		{"signature_input_malformed", head + "Signature-Input: sig1\nSignature: sig1=:AA==:\n"},
		{"signature_missing", head + "Signature-Input: sig1=" + list + inputParams + "\n"},
		{"signature_input_missing", head + "Signature: sig1=:AA==:\n"},
		{"signature_label", carrying("sig2=:" + base64.StdEncoding.EncodeToString(tag) + ":")},
		{"sig_no_colons", carrying("sig1=" + base64.StdEncoding.EncodeToString(tag))},
		{"sig_base64url", carrying("sig1=:" + urlText(tag) + ":")},
		{"sig_hex", carrying("sig1=:" + hex.EncodeToString(tag) + ":")},
		{"sig_malformed", carrying("sig1=:" + base64.StdEncoding.EncodeToString(tag[:20]) + ":")},
		{"host_malformed", strings.Replace(with(list, inputParams), "api.example.com", "api example com", 1)},
		{"content_length_malformed", strings.Replace(with(list, inputParams), "Host", "Content-Length: "+
			"1\nContent-Length: 0\nHost", 1)},
		{"base_final_lf nonce_missing", signedBy(head, list+`;created=1736937000;keyid="tEsTkId1"`, key, text(list, `;created=1736937000;keyid="tEsTkId1"`)+"\n")},
	} {
		a := attempted(t, row.head)
		if row.want == "content_length_malformed" || row.want == "" {
			h, err := ParseHeadString(row.head)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseCall(h); (err == nil) != (row.want == "") {
				t.Errorf("%s: %v", row.head, err)
			}
		}
		explains(t, row.head, a, RFC9421, nil, row.want)
	}
}
