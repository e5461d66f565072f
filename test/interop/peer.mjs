// Signs and verifies with npm http-message-signatures: a request for each line of standard input, as JSON, and an answer for
// each on standard output, in the same order.
import { createInterface } from 'node:readline';
import signatures from 'http-message-signatures';

const { createSigner, createVerifier, httpbis } = signatures;

async function answer({ op, method, url, headers, key, keyid, fields, params, values, label }) {
  const secret = Buffer.from(key, 'base64');
  const message = { method, url, headers };
  if (op === 'sign') {
    const paramValues = { ...values, created: new Date(values.created * 1000) };
    if (values.expires) paramValues.expires = new Date(values.expires * 1000);
    const signed = await httpbis.signMessage(
      { key: createSigner(secret, 'hmac-sha256', keyid), name: label, fields, params, paramValues },
      message,
    );
    return { headers: signed.headers };
  }
  const verifier = { id: keyid, algs: ['hmac-sha256'], verify: createVerifier(secret, 'hmac-sha256') };
  const valid = await httpbis.verifyMessage(
    { keyLookup: async (given) => (given.keyid === keyid ? verifier : null), tolerance: 60 },
    message,
  );
  return { valid: valid === true };
}

for await (const line of createInterface({ input: process.stdin })) {
  let out;
  try {
    out = await answer(JSON.parse(line));
  } catch (err) {
    out = { error: String(err) };
  }
  process.stdout.write(`${JSON.stringify(out)}\n`);
}
