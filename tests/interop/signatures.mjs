// Verifies what the emulator signs with Node's own crypto. Usage and answer as signatures.py.

import { constants, createPublicKey, verify } from "node:crypto";

const wants = JSON.parse(process.argv[2]);
const keys = async (url) => (await (await fetch(url)).json()).keys;
const keyOf = (set, kid) => createPublicKey({ key: set.find((key) => key.kid === kid), format: "jwk" });

function judgeCall(set, { kid, signature, body }) {
  const key = keyOf(set, kid);
  const bytes = Buffer.from(signature.replace(/^rsassa-pss-sha256=/, ""), "base64url");
  const longest = key.asymmetricKeyDetails.modulusLength / 8 - 32 - 2;
  const salts = { 32: 32, max: longest };
  const verifies = (saltLength, text) =>
    verify("sha256", Buffer.from(text), { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, bytes);
  const fits = Object.keys(salts).filter((name) => verifies(salts[name], body));
  const bent = Object.values(salts).some((length) => verifies(length, `${body} `));
  return { salt: fits.join("+"), good: fits.length === 1, bent };
}

function judgeToken(set, token) {
  const [header, claims, signature] = token.split(".");
  const key = keyOf(set, JSON.parse(Buffer.from(header, "base64url")).kid);
  const holds = (text) => verify(null, Buffer.from(text), key, Buffer.from(signature, "base64url"));
  return { good: holds(`${header}.${claims}`), bent: holds(`${header}.${claims}A`) };
}

const hookKeys = await keys(wants.key_set_url);
console.log(
  JSON.stringify({
    calls: wants.calls.map((call) => judgeCall(hookKeys, call)),
    challenge_token: judgeToken(await keys(wants.step_up_key_set_url), wants.challenge_token),
  }),
);
