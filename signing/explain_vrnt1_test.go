package signing

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

const verintHead = "GET /a%20b/C:d?x=1 HTTP/1.1\nHost: api.example.com\nVerint-UserName: Anna\nVerint-Role: Agent\n"

// authorized returns a head with what a client puts into Authorization.
func authorized(head, iat, sig string) string {
	return head + "Authorization: Vrnt-1-HMAC-SHA256 salt=" + explainedSalt + ",iat=" + iat + ",kid=" + explainedID + ",sig=" + sig + "\n"
}

func joined(parts ...string) string { return strings.Join(parts, "\n") + "\n" }

// Each of the mistakes that clients make in the text, which is written out here.
func TestExplainVrnt1(t *testing.T) {
	key := string(explainedBytes(t))
	const path, at, username, role = "/a%20b/C:d", explainedTime, "verint-username:anna", "verint-role:agent"
	for _, row := range []struct{ want, signed string }{
		{"", joined(explainedSalt, "GET", path, at, username, role, "")},
		{"path_query", joined(explainedSalt, "GET", path+"?x=1", at, username, role, "")},
		{"path_decoded", joined(explainedSalt, "GET", "/a b/C:d", at, username, role, "")},
		{"path_encoded", joined(explainedSalt, "GET", "/a%2520b/C:d", at, username, role, "")},
		{"path_encoded", joined(explainedSalt, "GET", "/a%20b/C%3Ad", at, username, role, "")},
		{"path_case", joined(explainedSalt, "GET", "/a%20b/c:d", at, username, role, "")},
		{"path_slash", joined(explainedSalt, "GET", path+"/", at, username, role, "")},
		{"path_first_slash", joined(explainedSalt, "GET", path[1:], at, username, role, "")},
		{"full_url", joined(explainedSalt, "GET", "https://api.example.com"+path, at, username, role, "")},
		{"full_url", joined(explainedSalt, "GET", "http://api.example.com"+path+"?x=1", at, username, role, "")},
		{"full_url", joined(explainedSalt, "GET", "api.example.com"+path, at, username, role, "")},
		{"method_case", joined(explainedSalt, "get", path, at, username, role, "")},
		{"headers_unsigned", joined(explainedSalt, "GET", path, at, "")},
		{"headers_sorted", joined(explainedSalt, "GET", path, at, role, username, "")},
		{"header_value_case", joined(explainedSalt, "GET", path, at, "verint-username:Anna", "verint-role:Agent", "")},
		{"header_name_case", joined(explainedSalt, "GET", path, at, "Verint-UserName:anna", "Verint-Role:agent", "")},
		{"header_blank", joined(explainedSalt, "GET", path, at, "verint-username: anna", "verint-role: agent", "")},
		{"header_unsigned", joined(explainedSalt, "GET", path, at, username, "")},
		{"final_lf_missing", joined(explainedSalt, "GET", path, at, username, role)},
		{"final_lf_missing", strings.Join([]string{explainedSalt, "GET", path, at, username, role}, "\n")},
		{"final_lf_extra", joined(explainedSalt, "GET", path, at, username, role, "", "")},
		{"crlf", strings.ReplaceAll(joined(explainedSalt, "GET", path, at, username, role, ""), "\n", "\r\n")},
		{"iat_signed_differs", joined(explainedSalt, "GET", path, "2025-01-15T11:30:00Z", username, role, "")},
		{"iat_signed_differs", joined(explainedSalt, "GET", path, "2025-01-15T10:30:00.000Z", username, role, "")},
		{"iat_signed_differs", joined(explainedSalt, "GET", path, "2025-01-15T11:30:00+01:00", username, role, "")},
		{"iat_signed_differs", joined(explainedSalt, "GET", path, "1736937000", username, role, "")},
		{"kid_signed", joined(explainedSalt, "GET", path, at, explainedID, username, role, "")},
		{"kid_signed", joined(explainedID, explainedSalt, "GET", path, at, username, role, "")},
		{"body_signed", joined(explainedSalt, "GET", path, at, `{"B": 1}`)},
		{"no_known_mistake", joined(explainedSalt, "GET", "/elsewhere", at, username, role, "")},
		// Pairs: those of the clients in the wild, and others.
		{
			"header_value_case headers_sorted",
			joined(explainedSalt, "GET", path, at, "verint-role:Agent", "verint-username:Anna", ""),
		},
		{"body_signed path_query", joined(explainedSalt, "GET", path+"?x=1", at, `{"B": 1}`)},
		{"headers_unsigned path_decoded", joined(explainedSalt, "GET", "/a b/C:d", at, "")},
		{"final_lf_missing method_case", joined(explainedSalt, "get", path, at, username, role)},
		{"crlf headers_unsigned", strings.ReplaceAll(joined(explainedSalt, "GET", path, at, ""), "\n", "\r\n")},
		{"headers_unsigned kid_signed", joined(explainedSalt, "GET", path, at, explainedID, "")},
	} {
		a := attempted(t, authorized(verintHead, explainedTime, urlText(sum(key, row.signed))))
		explains(t, row.signed, a, Vrnt1, []byte(`{"B": 1}`), row.want)
		if a.StringToSign != joined(explainedSalt, "GET", path, at, username, role, "") {
			t.Errorf("the string to sign is %q", a.StringToSign)
		}
	}
	const unsafe = "GET /a%3Fx=1/ HTTP/1.1\n"
	for signed, want := range map[string]string{
		"/a?x=1/": "path_decoded_unsafe", "/a%3fx=1/": "path_encoded", "/a%3Fx=1": "path_slash",
	} {
		explains(
			t,
			signed,
			attempted(
				t,
				authorized(
					unsafe,
					explainedTime,
					urlText(sum(key, joined(explainedSalt, "GET", signed, explainedTime, ""))),
				),
			),
			Vrnt1,
			nil,
			want,
		)
	}
	const three = "GET / HTTP/1.1\nVerint-A: 1\nVerint-B: 2\nVerint-C: 3\n"
	moved := joined(explainedSalt, "GET", "/", explainedTime, "verint-c:3", "verint-a:1", "verint-b:2", "")
	explains(
		t,
		moved,
		attempted(t, authorized(three, explainedTime, urlText(sum(key, moved)))),
		Vrnt1,
		nil,
		"headers_reordered",
	)
}

// Each of the ways in which clients mistake the key, alone and with a mistake in the text.
func TestExplainKeys(t *testing.T) {
	bytes := explainedBytes(t)
	dropped, err := base64.RawStdEncoding.DecodeString("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0")
	if err != nil {
		t.Fatal(err)
	}
	const head = "GET /a?b HTTP/1.1\n"
	for key, want := range map[string]string{
		string(bytes):                                "",
		explainedKey:                                 "key_ascii",
		explainedKey + "=":                           "key_text_padded",
		base64.StdEncoding.EncodeToString(bytes):     "key_text_std_base64",
		base64.RawStdEncoding.EncodeToString(bytes):  "key_text_std_base64",
		hex.EncodeToString(bytes):                    "key_text_hex",
		strings.ToUpper(hex.EncodeToString(bytes)):   "key_text_hex",
		explainedKey + "\n":                          "key_text_newline",
		string(dropped):                              "key_std_base64",
		"the key of somebody else, and another one!": "no_known_mistake",
	} {
		for path, with := range map[string]string{"/a": "", "/a?b": "path_query"} {
			sig := urlText(sum(key, joined(explainedSalt, "GET", path, explainedTime, "")))
			expected := strings.TrimSpace(want + " " + with)
			if want == "no_known_mistake" {
				expected = want
			}
			explains(t, want, attempted(t, authorized(head, explainedTime, sig)), Vrnt1, nil, expected)
		}
	}
}

// What is wrong with the form is told without a key, and what was signed is judged all the same.
func TestExplainVrnt1Form(t *testing.T) {
	key := string(explainedBytes(t))
	const head = "GET /a HTTP/1.1\n"
	tag := sum(key, joined(explainedSalt, "GET", "/a", explainedTime, ""))
	at := func(iat string) string { return urlText(sum(key, joined(explainedSalt, "GET", "/a", iat, ""))) }
	const prefix = "Authorization: Vrnt-1-HMAC-SHA256 "
	good := "salt=" + explainedSalt + ",iat=" + explainedTime + ",kid=" + explainedID + ",sig=" + urlText(tag)
	for _, row := range []struct{ want, head string }{
		{"", head + prefix + good},
		{"no_signature", head},
		{"no_signature", head + "Authorization: Bearer abc"},
		{"two_schemes", head + prefix + good + "\nSignature: a"},
		{"scheme_name", head + "Authorization: " + good},
		{"scheme_name", head + "Authorization: vrnt-1-hmac-sha256 " + good},
		{"scheme_name", head + "Authorization: HMAC " + good},
		{"param_whitespace", head + prefix + strings.ReplaceAll(good, ",", ", ")},
		{
			"param_order",
			head + prefix + "sig=" + urlText(tag) + ",kid=" + explainedID + ",iat=" + explainedTime + ",salt=" + explainedSalt,
		},
		{
			"param_order param_whitespace",
			head + prefix + "iat=" + explainedTime + ", salt=" + explainedSalt + ", kid=" + explainedID + ", sig=" + urlText(tag),
		},
		{"param_quoted", head + prefix + strings.NewReplacer("=", `="`, ",", `",`).Replace(good) + `"`},
		{"param_unknown", head + prefix + good + ",alg=x"},
		{"param_repeated", head + prefix + good + ",kid=other-one"},
		{"param_missing", head + prefix + strings.Replace(good, ",kid="+explainedID, "", 1)},
		{"param_missing", head + prefix + "salt=" + explainedSalt},
		{"kid_malformed", head + prefix + strings.Replace(good, explainedID, "x", 1)},
		{"sig_hex", authorized(head, explainedTime, hex.EncodeToString(tag))},
		{"sig_std_base64", authorized(head, explainedTime, base64.StdEncoding.EncodeToString(tag))},
		{"sig_std_base64", authorized(head, explainedTime, base64.URLEncoding.EncodeToString(tag))},
		{
			"sig_base64_of_hex",
			authorized(head, explainedTime, base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(tag)))),
		},
		{"sig_malformed", authorized(head, explainedTime, urlText(tag[:20]))},
		{"sig_malformed", authorized(head, explainedTime, "?")},
		{"iat_fraction", authorized(head, "2025-01-15T10:30:00.123Z", at("2025-01-15T10:30:00.123Z"))},
		{"iat_fraction", authorized(head, "2025-01-15T10:30:00.123Z", at(explainedTime))},
		{"iat_zone", authorized(head, "2025-01-15T12:30:00+02:00", at("2025-01-15T12:30:00+02:00"))},
		{"iat_zone", authorized(head, "2025-01-15T10:30:00", at("2025-01-15T10:30:00"))},
		{"iat_unix", authorized(head, "1736937000", at("1736937000"))},
		{"iat_unix", authorized(head, "1736937000000", at("1736937000000"))},
		{"iat_malformed", authorized(head, "yesterday", at("yesterday"))},
		{"iat_malformed", authorized(head, "2025-02-30T10:30:00Z", at("2025-02-30T10:30:00Z"))},
		{
			"iat_fraction path_slash",
			authorized("GET /a/ HTTP/1.1\n", "2025-01-15T10:30:00.5Z", at("2025-01-15T10:30:00.5Z")),
		},
	} {
		a := attempted(t, row.head)
		explains(t, row.head, a, Vrnt1, nil, row.want)
		if row.want == "param_missing" {
			continue
		}
		if known := !strings.Contains(row.want, "no_signature") && row.want != "two_schemes" &&
			row.want != "iat_malformed"; known != (a.StringToSign != "") {
			t.Errorf("%s: string to sign %q", row.head, a.StringToSign)
		}
	}
	salted := strings.Replace(authorized(head, explainedTime, urlText(tag)), explainedSalt, "a+b/c=d=", 1)
	if got := names(attempted(t, salted).Findings); got != "salt_malformed" {
		t.Errorf("a salt in another alphabet: %s", got)
	}
}
