// Verifies tokens with jose, each through the key set at its address. Usage: verify.mjs CASES
//
// CASES is a JSON list of {name, key_set, token}. Prints a JSON list of {name, claims} or {name, refused}. The
// environment's DOORSTEP_TEST_NODE_MODULES says where jose is.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(join(process.env.DOORSTEP_TEST_NODE_MODULES, "here.js"));
const jose = await import(pathToFileURL(modules.resolve("jose")));

const requiredClaims = ["sub", "challenge_id", "key", "status", "iat", "nbf", "exp", "jti"];

async function judge({ key_set, token }) {
  const keys = jose.createRemoteJWKSet(new URL(key_set));
  const { payload } = await jose.jwtVerify(token, keys, { algorithms: ["RS256"], requiredClaims });
  return payload;
}

const results = [];
for (const one of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    results.push({ name: one.name, claims: await judge(one) });
  } catch (error) {
    if (!(error instanceof jose.errors.JOSEError)) throw error;
    results.push({ name: one.name, refused: error.code });
  }
}
console.log(JSON.stringify(results));
