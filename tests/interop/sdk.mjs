// Walks a step-up with Prelude's real SDK. Usage: sdk.mjs SITE, a JSON object of {domain, doorstep, api_key, code}.
//
// Prints one JSON object of what came of each part. The environment's DOORSTEP_TEST_NODE_MODULES says where the SDK is,
// NODE_EXTRA_CA_CERTS whom to trust. The SDK wants a browser: what it asks of one is here, and nothing else of it.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(join(process.env.DOORSTEP_TEST_NODE_MODULES, "here.js"));
const load = (name) => import(pathToFileURL(modules.resolve(name)));
const site = JSON.parse(process.argv[2]);

await load("fake-indexeddb/auto");
const jose = await load("jose");

// Storage, whose keys are its own properties as in a browser.
const storage = Object.create({
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  },
  setItem(key, value) {
    this[key] = String(value);
  },
  removeItem(key) {
    delete this[key];
  },
});
const turns = new Map();
const locks = {
  request: (name, _options, work) => {
    const done = (turns.get(name) ?? Promise.resolve()).then(work);
    turns.set(name, done.catch(() => {}));
    return done;
  },
};
const global = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
global("window", globalThis);
global("addEventListener", () => {});
global("localStorage", storage);
global("isSecureContext", true);
global("navigator", { locks, userAgent: "Mozilla/5.0 (test)" });
// No workers: the SDK says so on the console and does without.
global("console", { ...console, error() {} });

// A cookie jar for one site, used where the SDK asks for credentials.
const jar = new Map();
const plainFetch = globalThis.fetch;
global("fetch", async (input, options = {}) => {
  const headers = new Headers(options.headers);
  headers.set("User-Agent", navigator.userAgent);
  if (options.credentials === "include" && jar.size > 0) {
    headers.set("Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
  }
  const answer = await plainFetch(input, { ...options, headers });
  if (options.credentials === "include") {
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
  }
  return answer;
});

const { PrldSessionClient } = await load("@prelude.so/js-sdk/session");
const client = new PrldSessionClient({ domain: site.domain });
const refusal = (promise) => promise.then(() => "nothing was refused", (error) => error.name);
const keys = jose.createRemoteJWKSet(new URL(`https://${site.domain}/.well-known/jwks.json`));

/** The scopes of the session's access token, verified as a backend would. */
async function scopes() {
  const { user } = await client.refresh();
  const { payload } = await jose.jwtVerify(user.accessToken, keys, { algorithms: ["RS256"] });
  return payload.scope;
}

/** What the customer's backend does once it knows its user. */
async function mint(challengeToken) {
  const answer = await plainFetch(`${site.doorstep}/v1/verification-tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${site.api_key}` },
    body: JSON.stringify({ challenge_token: challengeToken }),
  });
  return { status: answer.status, token: (await answer.json()).verification_token };
}

const transfer = (amount) => ({
  scope: "transfer:write",
  metadata: { amount, currency: "USD", payee: "DE89370400440532013000" },
});
const found = {};

await client.startOTPLogin({ identifier: { type: "phone_number", value: "+33612345678" } });
await client.retryOTP();
found.wrong_login_code = await refusal(client.checkOTP("000000"));
await client.checkOTP(site.code);
found.logged_in = { scopes: await scopes(), user: (await client.getProfile()).sub };

found.unheard_of = await refusal(client.requestStepUp({ scope: "unheard:of" }));
found.bad_metadata = await refusal(client.requestStepUp({ scope: "transfer:write", metadata: { a: "x".repeat(33) } }));

const seen = [];
const onChallenge = (info) => seen.push([info.currentStep, info.steps.map((step) => [step.key, step.done])]);
const asked = await client.requestStepUp({ ...transfer("15000"), onChallenge });
const { challengeId } = { challengeId: jose.decodeJwt(asked.challenge_token).challenge_id };
found.review = asked.status;
found.too_early = (await mint(asked.challenge_token)).status;
await client.otpCreate({ challengeId });
await client.otpRetry();
found.wrong_step_code = await refusal(client.otpCheck(challengeId, "000000", onChallenge));
const checked = await client.otpCheck(challengeId, site.code, onChallenge);
const minted = await mint(checked.challenge_token);
found.minted = minted.status;
await client.continueStepUp(minted.token, onChallenge);
found.seen = seen;
found.granted = await scopes();
await client.invalidateCache();
found.after_the_single_use = await scopes();
found.walked_before = await refusal(client.continueStepUp(minted.token));

// A second challenge of the same user: the token of the first is not for it.
const again = await client.requestStepUp(transfer("15000"));
const second = jose.decodeJwt(again.challenge_token).challenge_id;
await client.otpCreate({ challengeId: second });
await client.otpCheck(second, site.code);
const first = Object.keys(storage).find((key) => key.includes(second));
storage.setItem(first.replace(second, challengeId), storage.getItem(first));
found.reused = await refusal(client.continueStepUp(minted.token));

const small = await client.requestStepUp(transfer("20"));
found.continued = { status: small.status, scopes: await scopes() };

found.sessions = (await client.listSessions()).total;
await client.logout();
found.logged_out = await refusal(client.refresh());

await client.signUpWithEmail({ identifier: "user@example.com", password: "long enough" });
found.signed_up = (await scopes()) === "" ? "logged in" : "with a scope";
console.log(JSON.stringify(found));
