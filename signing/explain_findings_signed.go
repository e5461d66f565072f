package signing

// Findings about the signed text.
var (
	noKnownMistake = newFinding(
		"no_known_mistake",
		"The signature is of another text or another key: compare what the client signs with string_to_sign byte by "+
			"byte, and see that it has the secret that goes with this key ID.",
	)

	queryInPath = newFinding(
		"path_query",
		"The query was signed with the path: sign the path alone, up to but not including the question mark.",
		PathQuery,
	)
	pathUndone = newFinding(
		"path_decoded",
		"The path was signed decoded: sign it as it is sent, percent-encoding and all.",
		PathDecoded,
	)
	pathUndoneBadly = newFinding(
		"path_decoded_unsafe",
		"The path was signed decoded: sign it as it is sent. No key can accept this, because its decoded form is "+
			"also another call's.",
	)
	pathEncoded = newFinding(
		"path_encoded",
		"The path was signed with other percent-encoding than it was sent: sign it as it is sent.",
	)
	pathLower = newFinding("path_case", "The path was signed in lower case: sign it as it is sent.")
	pathSlash = newFinding(
		"path_slash",
		"The path was signed with a final slash that was not sent, or without the one that was.",
	)
	pathEmpty = newFinding(
		"path_empty",
		"An empty path was signed: a URL without a path has the path /, so sign that.",
	)
	pathFirstSlash = newFinding("path_first_slash", "The path was signed without its first slash.")
	fullURL        = newFinding(
		"full_url",
		"The host, or the whole URL, was signed in place of the path: sign the path alone.",
	)
	methodCase = newFinding(
		"method_case",
		"The method was signed in another case than it was sent: sign it as it is sent.",
	)
	headersUnsigned = newFinding("headers_unsigned", "The Verint- headers were not signed: sign a line for each.")
	headersByName   = newFinding(
		"headers_sorted",
		"The Verint- headers were signed sorted by name and sent in another order: send them sorted.",
		HeadersSorted,
	)
	headersMoved = newFinding(
		"headers_reordered",
		"The Verint- headers were signed in another order than they arrive in: sign and send them sorted by name, "+
			"since something on the way may sort them.",
	)
	headerUnsigned = newFinding(
		"header_unsigned",
		"One of the Verint- headers was not signed: sign all of them, and see whether something on the way adds one.",
	)
	headerCase = newFinding(
		"header_value_case",
		"The values of Verint- headers were signed as they are: sign them in lower case.",
		HeaderValueCase,
	)
	headerNameCase = newFinding(
		"header_name_case",
		"The names of Verint- headers were signed as they are: sign them in lower case.",
	)
	otherLower = newFinding(
		"other_lower_case",
		"Names or values were put in lower case by Unicode's or a locale's rules: change A to Z alone.",
	)
	headerBlank = newFinding("header_blank", "A blank was signed after the colon of Verint- headers: sign name:value.")
	lfMissing   = newFinding(
		"final_lf_missing",
		"The text ends too early: it ends with an empty line, so without Verint- headers with two LFs after the time.",
	)
	lfExtra    = newFinding("final_lf_extra", "The text ends with one LF too many.")
	crlfSigned = newFinding("crlf", "The lines were signed with CRLF: end them with LF.")
	iatSigned  = newFinding(
		"iat_signed_differs",
		"The time was signed in another form, or in another zone, than it was sent: sign the very text that is sent.",
	)
	kidSigned  = newFinding("kid_signed", "The key ID was signed too: leave it out of the text.")
	bodySigned = newFinding(
		"body_signed",
		"The body was signed in the place of the Verint- headers: vrnt-1 does not sign it.",
	)

	namesUnquoted = newFinding(
		"component_quotes",
		`The names were signed without quotes: each line is "name": value.`,
	)
	componentsMoved = newFinding(
		"component_order",
		"The lines were signed in another order than Signature-Input lists them in.",
	)
	authorityPort = newFinding(
		"authority_port",
		"@authority was signed with the port: leave :443 and :80 out, and sign others.",
	)
	authorityCase = newFinding("authority_case", "@authority was signed as Host is written: sign it in lower case.")
	queryMark     = newFinding("query_mark", "@query was signed without its question mark.")
	queryDecoded  = newFinding("query_decoded", "@query was signed decoded: sign it as it is sent.")
	targetScheme  = newFinding("target_uri_scheme", "@target-uri was signed with http: it begins with https here.")
	targetPath    = newFinding(
		"target_uri_path",
		"@target-uri was signed as path and query alone: it is the whole URL.",
	)
	paramsLess  = newFinding("params_missing", `The last line, "@signature-params": …, was not signed.`)
	paramsLabel = newFinding(
		"params_label",
		"@signature-params was signed with the label: its value begins with the parenthesis.",
	)
	paramsSpaced = newFinding(
		"params_spacing",
		"@signature-params was signed with other blanks than Signature-Input has: sign that very text.",
	)
	paramsMoved = newFinding(
		"params_order",
		"@signature-params was signed with its parameters in another order than Signature-Input has.",
	)
	paramsUnquoted = newFinding(
		"params_quotes",
		"@signature-params was signed with other quotes than Signature-Input has.",
	)
	lineBlank    = newFinding("line_blank", "A line is the name in quotes, a colon, one blank and the value.")
	baseLF       = newFinding("base_final_lf", "An LF was signed after the last line: the text ends without one.")
	digestSigned = newFinding(
		"digest_signed",
		"Another Content-Digest was signed than was sent: sign the header's very value.",
	)
	messageLF = newFinding(
		"message_final_lf",
		"The message was signed with a final line end that is not given here, or without the one that is.",
	)
	messageCRLF    = newFinding("message_crlf", "The message was signed with other line ends than is given here.")
	messageEncoded = newFinding("message_encoded", "The message was signed in base64 or hexadecimal: sign its bytes.")
	messageJSON    = newFinding(
		"message_json",
		"The message was signed without the blanks of its JSON: sign the bytes that are sent.",
	)
	messagePrefixed = newFinding("message_prefixed", "The key ID was signed with the message: sign the message alone.")
	asciiKey        = newFinding(
		"key_ascii",
		"The text of the key was used as the key: decode it from base64url to its bytes.",
		KeyASCII,
	)
	asciiKeyPadded = newFinding(
		"key_text_padded",
		"The padded text of the key was used as the key: decode it from base64url to its bytes.",
	)
	asciiKeyStandard = newFinding(
		"key_text_std_base64",
		"The standard base64 text of the key was used as the key: use its bytes.",
	)
	asciiKeyHex  = newFinding("key_text_hex", "The hexadecimal text of the key was used as the key: use its bytes.")
	asciiKeyLine = newFinding(
		"key_text_newline",
		"The text of the key with a line end was used as the key: cut that off, and decode the rest from base64url.",
	)
	keyStandard = newFinding(
		"key_std_base64",
		"The key was decoded as standard base64, which drops - and _: decode it as base64url.",
	)
)
