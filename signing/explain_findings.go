package signing

// knownFinding is a finding that can be made.
type knownFinding struct {
	id      string
	text    string
	variant Variant
}

func (k knownFinding) finding() Finding { return Finding{k.id, k.text, k.variant} }

// forScheme returns the finding without a variant that another scheme has.
func (k knownFinding) forScheme(s Scheme) Finding {
	if k.variant.Scheme() != s {
		k.variant = ""
	}
	return k.finding()
}

// with returns the finding with more about this call.
func (k knownFinding) with(more string) Finding { return Finding{k.id, more + " " + k.text, k.variant} }

func newFinding(id, text string, variant ...Variant) knownFinding {
	k := knownFinding{id: id, text: text}
	if len(variant) > 0 {
		k.variant = variant[0]
	}
	return k
}

// Of the text of a signature.
var (
	noSignature = newFinding("no_signature", "The call carries no signature: send Authorization: Vrnt-1-HMAC-SHA256 …, or Signature-Input and Signature.")
	twoSchemes  = newFinding("two_schemes", "The call carries the signatures of two schemes: send the one of the key's scheme.")
	wrongScheme = newFinding("wrong_scheme", "Sign as the key's scheme says, or use a key of the other scheme.")

	schemeName       = newFinding("scheme_name", "Begin Authorization with exactly Vrnt-1-HMAC-SHA256, in this case, and one space.")
	paramMissing     = newFinding("param_missing", "All of salt, iat, kid and sig belong into Authorization.")
	paramUnknown     = newFinding("param_unknown", "Authorization has a parameter other than salt, iat, kid and sig: leave it out.")
	paramRepeated    = newFinding("param_repeated", "A parameter is given twice: give it once.")
	paramQuoted      = newFinding("param_quoted", "Leave the quotes around the parameters' values out.")
	paramBlanks      = newFinding("param_whitespace", "Separate the parameters with commas alone, without blanks.", ParamWhitespace)
	paramsReordered  = newFinding("param_order", "Send the parameters in the order salt, iat, kid, sig.", ParamOrder)
	saltMalformed    = newFinding("salt_malformed", "The salt must be 8 to 128 characters of 0-9A-Za-z_-; 16 random bytes in base64url without padding are good.")
	kidMalformed     = newFinding("kid_malformed", "The key ID must be as it was handed out: 8 to 64 characters of 0-9A-Za-z_-.")
	iatMalformed     = newFinding("iat_malformed", "The time must be of the form 2026-01-31T12:00:00Z.")
	iatFraction      = newFinding("iat_fraction", "Cut the time to whole seconds: 2026-01-31T12:00:00Z.")
	iatZone          = newFinding("iat_zone", "Give the time in UTC with a Z at its end, not with an offset or without a zone: 2026-01-31T12:00:00Z.")
	iatUnix          = newFinding("iat_unix", "Give the time as 2026-01-31T12:00:00Z, not as a number of seconds or milliseconds.")
	sigHex           = newFinding("sig_hex", "The signature is sent in hexadecimal: send its bytes in base64 as the scheme says.")
	sigHexInBase64   = newFinding("sig_base64_of_hex", "The signature is the base64 of its hexadecimal text: encode its 32 bytes instead.")
	sigStandard      = newFinding("sig_std_base64", "The signature is sent padded or in the alphabet with + and /: send base64url without padding.", SigStdBase64)
	sigURL           = newFinding("sig_base64url", "The signature is sent in base64url or without padding: send padded standard base64 between two colons.")
	sigNoColons      = newFinding("sig_no_colons", "Put the signature's base64 between two colons: sig1=:…:.")
	sigMalformed     = newFinding("sig_malformed", "The signature is not the 32 bytes of an HMAC-SHA256: is it cut, or made with another hash?")
	signatureMissing = newFinding("signature_missing", "Signature-Input comes without Signature: send both.")
	inputMissing     = newFinding("signature_input_missing", "Signature comes without Signature-Input: send both.")
	labelDiffers     = newFinding("signature_label", "Signature and Signature-Input must each hold one signature, under the same label, such as sig1.")
	inputMalformed   = newFinding("signature_input_malformed", `Signature-Input must be of the form sig1=("@method" "@authority" "@path");created=…;keyid="…";nonce="…".`)
	versionPrefix    = newFinding("version_prefix", "A message's signature is v1:<key_id>:<tag>.")

	componentMissing = newFinding("component_missing", "Cover @method, @authority, @path, @query when there is one, and content-digest when there is a body.")
	componentAbsent  = newFinding("component_absent", "Cover only what the call has when it arrives; something on the way may have taken the header away.")
	componentBad     = newFinding("component_unsupported", "Cover only @method, @authority, @path, @query, @target-uri and headers in lower case, each once, in quotes and without parameters.")
	createdMissing   = newFinding("created_missing", "Send the parameter created: the time in Unix seconds.")
	createdMalformed = newFinding("created_malformed", "The parameter created must be a number of Unix seconds, without quotes and fraction.")
	createdMillis    = newFinding("created_milliseconds", "The parameter created is in milliseconds: give Unix seconds.")
	expiresMalformed = newFinding("expires_malformed", "The parameter expires must be a number of Unix seconds, not before created.")
	keyidMissing     = newFinding("keyid_missing", `Send the parameter keyid="<key_id>", with the ID as it was handed out.`)
	nonceMissing     = newFinding("nonce_missing", `Send the parameter nonce="…", new for each call.`, NoNonce)
	nonceMalformed   = newFinding("nonce_malformed", "The nonce must be 8 to 128 visible characters in quotes, without quotes and backslashes inside.")
	algUnsupported   = newFinding("alg_unsupported", `Leave the parameter alg out, or send alg="hmac-sha256".`)
	paramUnsupported = newFinding("param_unsupported", "Of parameters send created, expires, keyid, nonce, alg and tag alone, each once.")
	hostMissing      = newFinding("host_malformed", "The head has no Host, or one that is none: @authority comes from it.")
	lengthMalformed  = newFinding("content_length_malformed", "Content-Length must be one number.")
	digestMissing    = newFinding("digest_missing", "The head announces a body: send its Content-Digest and cover it.")
	digestMalformed  = newFinding("digest_malformed", "Content-Digest must be sha-256=:<base64>:, with the padded standard base64 of the 32 bytes, not hexadecimal.")
	digestMismatch   = newFinding("digest_mismatch", "The Content-Digest is not that of the body: digest the bytes that are sent, after they are encoded or compressed.")

	clockZone = newFinding("clock_zone", "The call's time differs from the server's by what looks like a time zone: sign with UTC.")
)

// Of what was signed.
var (
	noKnownMistake = newFinding("no_known_mistake", "The signature is of another text or another key: compare what the client signs with string_to_sign byte by byte, and see that it has the secret that goes with this key ID.")

	queryInPath     = newFinding("path_query", "The query was signed with the path: sign the path alone, up to but not including the question mark.", PathQuery)
	pathUndone      = newFinding("path_decoded", "The path was signed decoded: sign it as it is sent, percent-encoding and all.", PathDecoded)
	pathUndoneBadly = newFinding("path_decoded_unsafe", "The path was signed decoded: sign it as it is sent. No key can let this one in, since its decoded form is also another call's.")
	pathEncoded     = newFinding("path_encoded", "The path was signed with other percent-encoding than it was sent: sign it as it is sent.")
	pathLower       = newFinding("path_case", "The path was signed in lower case: sign it as it is sent.")
	pathSlash       = newFinding("path_slash", "The path was signed with a slash at its end more or less than it was sent.")
	pathFirstSlash  = newFinding("path_first_slash", "The path was signed without its first slash.")
	fullURL         = newFinding("full_url", "The host, or the whole URL, was signed in place of the path: sign the path alone.")
	methodCase      = newFinding("method_case", "The method was signed in another case than it was sent: sign it as it is sent.")
	headersUnsigned = newFinding("headers_unsigned", "The Verint- headers were not signed: sign a line for each.")
	headersByName   = newFinding("headers_sorted", "The Verint- headers were signed sorted by name and sent in another order: send them sorted.", HeadersSorted)
	headersMoved    = newFinding("headers_reordered", "The Verint- headers were signed in another order than they arrive in: sign and send them sorted by name, since something on the way may sort them.")
	headerUnsigned  = newFinding("header_unsigned", "One of the Verint- headers was not signed: sign all of them, and see whether something on the way adds one.")
	headerCase      = newFinding("header_value_case", "The values of Verint- headers were signed as they are: sign them in lower case.", HeaderValueCase)
	headerNameCase  = newFinding("header_name_case", "The names of Verint- headers were signed as they are: sign them in lower case.")
	headerBlank     = newFinding("header_blank", "A blank was signed after the colon of Verint- headers: sign name:value.")
	lfMissing       = newFinding("final_lf_missing", "The text ends too early: it ends with an empty line, so without Verint- headers with two LFs after the time.")
	lfExtra         = newFinding("final_lf_extra", "The text ends with an LF too much.")
	crlfSigned      = newFinding("crlf", "The lines were signed with CRLF: end them with LF.")
	iatSigned       = newFinding("iat_signed_differs", "The time was signed in another form, or in another zone, than it was sent: sign the very text that is sent.")
	kidSigned       = newFinding("kid_signed", "The key ID was signed too: leave it out of the text.")
	bodySigned      = newFinding("body_signed", "The body was signed in the place of the Verint- headers: vrnt-1 does not sign it.")

	namesUnquoted    = newFinding("component_quotes", `The names were signed without quotes: each line is "name": value.`)
	componentsMoved  = newFinding("component_order", "The lines were signed in another order than Signature-Input lists them in.")
	authorityPort    = newFinding("authority_port", "@authority was signed with the port: leave :443 and :80 out, and sign others.")
	authorityCase    = newFinding("authority_case", "@authority was signed as Host is written: sign it in lower case.")
	queryMark        = newFinding("query_mark", "@query was signed without its question mark.")
	queryDecoded     = newFinding("query_decoded", "@query was signed decoded: sign it as it is sent.")
	targetScheme     = newFinding("target_uri_scheme", "@target-uri was signed with http: it begins with https here.")
	targetPath       = newFinding("target_uri_path", "@target-uri was signed as path and query alone: it is the whole URL.")
	paramsLess       = newFinding("params_missing", `The last line, "@signature-params": …, was not signed.`)
	paramsLabel      = newFinding("params_label", "@signature-params was signed with the label: its value begins with the parenthesis.")
	paramsSpaced     = newFinding("params_spacing", "@signature-params was signed with other blanks than Signature-Input has: sign that very text.")
	paramsMoved      = newFinding("params_order", "@signature-params was signed with its parameters in another order than Signature-Input has.")
	paramsUnquoted   = newFinding("params_quotes", "@signature-params was signed with other quotes than Signature-Input has.")
	lineBlank        = newFinding("line_blank", "A line is the name in quotes, a colon, one blank and the value.")
	baseLF           = newFinding("base_final_lf", "An LF was signed after the last line: the text ends without one.")
	digestSigned     = newFinding("digest_signed", "Another Content-Digest was signed than was sent: sign the header's very value.")
	messageLF        = newFinding("message_final_lf", "The message was signed with a line end more or less at its end than is given here.")
	messageCRLF      = newFinding("message_crlf", "The message was signed with other line ends than is given here.")
	messageEncoded   = newFinding("message_encoded", "The message was signed in base64 or hexadecimal: sign its bytes.")
	messageJSON      = newFinding("message_json", "The message was signed without the blanks of its JSON: sign the bytes that are sent.")
	messagePrefixed  = newFinding("message_prefixed", "The key ID was signed with the message: sign the message alone.")
	asciiKey         = newFinding("key_ascii", "The text of the key was used as the key: decode it from base64url to its bytes.", KeyASCII)
	asciiKeyPadded   = newFinding("key_text_padded", "The padded text of the key was used as the key: decode it from base64url to its bytes.")
	asciiKeyStandard = newFinding("key_text_std_base64", "The standard base64 text of the key was used as the key: use its bytes.")
	asciiKeyHex      = newFinding("key_text_hex", "The hexadecimal text of the key was used as the key: use its bytes.")
	asciiKeyLine     = newFinding("key_text_newline", "The text of the key with a line end was used as the key: cut that off, and decode the rest from base64url.")
	keyStandard      = newFinding("key_std_base64", "The key was decoded as standard base64, which drops - and _: decode it as base64url.")
)
