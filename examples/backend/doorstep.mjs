// Everything that this backend asks of Doorstep, one function each. Doorstep's docs/API.md says what comes back.

import { settings } from "./settings.mjs";

// What Doorstep refused, with its stable code.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? "Doorstep refused");
    this.status = status;
    this.code = problem.code ?? "unknown";
  }
}

async function ask(method, path, { body, key = settings.doorstepKey, idempotencyKey } = {}) {
  const headers = { Authorization: `Bearer ${key}` };
  if (body) headers["Content-Type"] = "application/json";
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  const response = await fetch(`${settings.doorstepUrl}${path}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(40_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// A custom step begins. The challenge token proves user, challenge and step, so nothing else is sent.
export const openVerification = (challengeToken) =>
  ask("POST", "/v1/verifications", { body: { challenge_token: challengeToken } });

// Answers when the verification's version is above `after`, or unchanged after 25 seconds.
export const waitForVerification = (id, after) =>
  ask("GET", `/v1/verifications/${encodeURIComponent(id)}?wait=25s&after=${after}`);

// The token that tells Prelude that the step is done.
export const mintToken = (id) =>
  ask("POST", `/v1/verifications/${encodeURIComponent(id)}/token`, { body: {} });

// Spends the verdict about exactly this; throws when there is none. The same key again is the same redemption.
export const redeemGrant = (userId, scope, metadata, idempotencyKey) =>
  ask("POST", "/v1/grants/redeem", { body: { user_id: userId, scope, metadata }, idempotencyKey });

// Why the user's last request was blocked, in the words of the rule that did it.
export async function lastDecision(userId, scope) {
  const query = new URLSearchParams({ user_id: userId, scope, limit: "1" });
  const { decisions } = await ask("GET", `/v1/decisions?${query}`);
  return decisions[0];
}

// What the officer sees, and decides.
export const pendingVerifications = async () => {
  const answer = await ask("GET", "/v1/verifications?state=pending&limit=50", { key: settings.officerKey });
  return answer.verifications;
};

export const decide = (id, verb, reason, actor) =>
  ask("POST", `/v1/verifications/${encodeURIComponent(id)}/${verb}`, {
    key: settings.officerKey,
    body: { reason, actor },
  });
