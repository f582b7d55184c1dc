// What is measured is right: signatures in every spelling, and rows that are there before the answer is.

import assert from "node:assert/strict";
import { constants, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import Database from "better-sqlite3";

import * as express from "./express.mjs";
import * as fastify from "./fastify.mjs";
import { hookOf } from "./hook.mjs";
import { openKeySet } from "./keys.mjs";
import { openRecord } from "./record.mjs";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const directory = mkdtempSync(join(tmpdir(), "compare-"));
const started = Date.now();
let fetches = 0;
const prelude = createServer((_request, response) => {
  fetches += 1;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256" }] }));
});
let keys;

before(async () => {
  await new Promise((resolve) => prelude.listen(0, "127.0.0.1", resolve));
  keys = await openKeySet(`http://127.0.0.1:${prelude.address().port}/jwks`);
});
after(() => {
  prelude.closeAllConnections();
  prelude.close();
  rmSync(directory, { recursive: true });
});

function call(amount = "20", change = {}) {
  return JSON.stringify({
    scope_requested: "transfer:write",
    user_id: "usr_1",
    identifiers: [{ type: "phone_number", value: "+33612345678" }],
    signals: { user_agent: "Mozilla/5.0", platform: "WEB", ip: "192.0.2.7" },
    metadata: { amount, currency: "USD", payee: "DE89370400440532013000" },
    ...change,
  });
}

function signed(body, saltLength = 32) {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign("sha256", Buffer.from(body), { key: privateKey, padding, saltLength }).toString("base64url");
}

for (const [framework, { serverOf }] of Object.entries({ fastify, express })) {
  for (const commit of ["each", "group"]) {
    test(`${framework}, a commit for ${commit}`, async () => {
      const file = join(directory, `${framework}-${commit}.sqlite`);
      const record = openRecord(file, commit);
      const server = serverOf(hookOf(keys, record));
      const base = await server.listen("127.0.0.1", 0);
      const reader = new Database(file, { readonly: true });
      const rows = () => reader.prepare("SELECT count(*) FROM decisions").pluck().get();
      const post = async (body, signature, kid = "k1") => {
        const headers = {
          "content-type": "application/json", "x-webhook-signature-key-id": kid, "x-webhook-signature": signature,
        };
        const answer = await fetch(`${base}/hooks/stepup`, { method: "POST", headers, body });
        return [answer.status, await answer.json(), rows()];
      };
      const proceed = { status: "continue", granted_for: 300, grant_mode: "single-use" };
      let expected = 0;
      for (const salt of [32, 256 - 32 - 2]) {
        for (const spelt of [(text) => text, (text) => `rsassa-pss-sha256=${text}`, (text) => `${text}==`]) {
          expected += 1;
          assert.deepEqual(await post(call(), spelt(signed(call(), salt))), [200, proceed, expected]);
        }
      }
      assert.deepEqual(await post(call(), signed(call(), 20)), [401, { code: "unverified_call" }, expected]);
      assert.deepEqual(await post(`${call()} `, signed(call())), [401, { code: "unverified_call" }, expected]);
      assert.deepEqual(await post(call(), "nonsense"), [401, { code: "unverified_call" }, expected]);
      assert.deepEqual(await post(call(), signed(call()), "k2"), [401, { code: "unverified_call" }, expected]);
      for (const broken of [call("1e5"), call("20", { user_id: 7 }), "[]", "null", "{"]) {
        assert.deepEqual(await post(broken, signed(broken)), [400, { code: "invalid_call" }, expected], broken);
      }
      // All at once: every answer that arrives has its row.
      const many = await Promise.all(Array.from({ length: 40 }, () => post(call(), signed(call()))));
      expected += many.length;
      assert.ok(many.every(([status]) => status === 200) && rows() === expected);
      record.close();
      assert.deepEqual(await post(call(), signed(call())), [503, { code: "not_recorded" }, expected]);
      await server.close();
    });
  }
}

test("keys are not fetched for everybody who asks for one that is not there", () => {
  const fiveSeconds = Math.floor((Date.now() - started) / 5_000);
  assert.ok(fetches <= 1 + fiveSeconds, `${fetches} fetches in ${fiveSeconds} times five seconds`);
});
