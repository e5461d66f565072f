package signing

// Findings about the text of a signature.
var (
	noSignature = newFinding(
		"no_signature",
		"The call carries no signature: send Authorization: Vrnt-1-HMAC-SHA256 …, or Signature-Input and Signature.",
	)
	twoSchemes = newFinding(
		"two_schemes",
		"The call carries the signatures of two schemes: send the one of the key's scheme.",
	)
	wrongScheme = newFinding("wrong_scheme", "Sign as the key's scheme says, or use a key of the other scheme.")

	schemeName = newFinding(
		"scheme_name",
		"Begin Authorization with exactly Vrnt-1-HMAC-SHA256, in this case, and one space.",
	)
	paramMissing = newFinding("param_missing", "All of salt, iat, kid and sig belong into Authorization.")
	paramUnknown = newFinding(
		"param_unknown",
		"Authorization has a parameter other than salt, iat, kid and sig: leave it out.",
	)
	paramRepeated = newFinding("param_repeated", "A parameter is given twice: give it once.")
	paramQuoted   = newFinding("param_quoted", "Leave the quotes around the parameters' values out.")
	paramBlanks   = newFinding(
		"param_whitespace",
		"Separate the parameters with commas alone, without blanks.",
		ParamWhitespace,
	)
	paramsReordered = newFinding("param_order", "Send the parameters in the order salt, iat, kid, sig.", ParamOrder)
	saltMalformed   = newFinding(
		"salt_malformed",
		"The salt must be 8 to 128 characters of 0-9A-Za-z_-; 16 random bytes in base64url without padding are good.",
	)
	kidMalformed = newFinding(
		"kid_malformed",
		"The key ID must be as it was handed out: 8 to 64 characters of 0-9A-Za-z_-.",
	)
	iatMalformed = newFinding("iat_malformed", "The time must be of the form 2026-01-31T12:00:00Z.")
	iatFraction  = newFinding("iat_fraction", "Cut the time to whole seconds: 2026-01-31T12:00:00Z.")
	iatZone      = newFinding(
		"iat_zone",
		"Give the time in UTC with a Z at its end, not with an offset or without a zone: 2026-01-31T12:00:00Z.",
	)
	iatUnix = newFinding(
		"iat_unix",
		"Give the time as 2026-01-31T12:00:00Z, not as a number of seconds or milliseconds.",
	)
	sigHex = newFinding(
		"sig_hex",
		"The signature is sent in hexadecimal: send its bytes in base64 as the scheme says.",
	)
	sigHexInBase64 = newFinding(
		"sig_base64_of_hex",
		"The signature is the base64 of its hexadecimal text: encode its 32 bytes instead.",
	)
	sigStandard = newFinding(
		"sig_std_base64",
		"The signature is sent padded or in the alphabet with + and /: send base64url without padding.",
		SigStdBase64,
	)
	sigURL = newFinding(
		"sig_base64url",
		"The signature is sent in base64url or without padding: send padded standard base64 between two colons.",
	)
	sigNoColons  = newFinding("sig_no_colons", "Put the signature's base64 between two colons: sig1=:…:.")
	sigMalformed = newFinding(
		"sig_malformed",
		"The signature is not the 32 bytes of an HMAC-SHA256: is it cut, or made with another hash?",
	)
	signatureMissing = newFinding("signature_missing", "Signature-Input comes without Signature: send both.")
	inputMissing     = newFinding("signature_input_missing", "Signature comes without Signature-Input: send both.")
	labelDiffers     = newFinding(
		"signature_label",
		"Signature and Signature-Input must hold the same labels, such as sig1, each once.",
	)
	severalSignatures = newFinding(
		"second_signature",
		`The call carries a second signature, which something on the way may have added: sign with tag="apikeys", `+
			"and let no other signature have it.",
	)
	inputMalformed = newFinding(
		"signature_input_malformed",
		`Signature-Input must be of the form sig1=("@method" "@authority" "@path");created=…;keyid="…";nonce="…".`,
	)
	versionPrefix = newFinding("version_prefix", "A message's signature is v1:<key_id>:<tag>.")

	componentMissing = newFinding(
		"component_missing",
		"Cover @method, @authority, @path, @query when there is one, and content-digest when there is a body.",
	)
	componentAbsent = newFinding(
		"component_absent",
		"Cover only what the call has when it arrives; something on the way may have taken the header away.",
	)
	componentBad = newFinding(
		"component_unsupported",
		"Cover only @method, @authority, @path, @query, @target-uri and headers in lower case, each once, in quotes "+
			"and without parameters.",
	)
	createdMissing   = newFinding("created_missing", "Send the parameter created: the time in Unix seconds.")
	createdMalformed = newFinding(
		"created_malformed",
		"The parameter created must be a number of Unix seconds, without quotes and fraction.",
	)
	createdMillis = newFinding(
		"created_milliseconds",
		"The parameter created is in milliseconds: give Unix seconds.",
	)
	expiresMalformed = newFinding(
		"expires_malformed",
		"The parameter expires must be a number of Unix seconds, not before created.",
	)
	keyidMissing = newFinding(
		"keyid_missing",
		`Send the parameter keyid="<key_id>", with the ID as it was handed out.`,
	)
	nonceMissing   = newFinding("nonce_missing", `Send the parameter nonce="…", new for each call.`, NoNonce)
	nonceMalformed = newFinding(
		"nonce_malformed",
		"The nonce must be 8 to 128 visible characters in quotes, without quotes and backslashes inside.",
	)
	algUnsupported   = newFinding("alg_unsupported", `Leave the parameter alg out, or send alg="hmac-sha256".`)
	paramUnsupported = newFinding(
		"param_unsupported",
		"Of parameters send created, expires, keyid, nonce, alg and tag alone, each once.",
	)
	hostMissing = newFinding(
		"host_malformed",
		"The head has no valid Host, from which @authority comes.",
	)
	lengthMalformed = newFinding("content_length_malformed", "Content-Length must be one number.")
	digestMissing   = newFinding("digest_missing", "The head announces a body: send its Content-Digest and cover it.")
	digestMalformed = newFinding(
		"digest_malformed",
		"Content-Digest must be sha-256=:<base64>:, with the padded standard base64 of the 32 bytes, not hexadecimal.",
	)
	bodyNotGiven = newFinding(
		FindingBodyNotGiven,
		"The head announces a body, and none is given: give explain the body that was sent, to compare its digest. If "+
			"none was sent, leave Content-Length and Transfer-Encoding out.",
	)
	digestMismatch = newFinding(
		"digest_mismatch",
		"The Content-Digest is not that of the body: digest the bytes that are sent, after they are encoded or "+
			"compressed.",
	)

	clockZone = newFinding(
		"clock_zone",
		"The call's time differs from the server's by what looks like a time zone: sign with UTC.",
	)
)
