// What the page calls. Every call carries the user's access token, and is about that user only.

import * as doorstep from "./doorstep.mjs";
import { userOf } from "./session.mjs";
import { settings } from "./settings.mjs";

export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// What was executed or is being, by the page's order id. A real service has a table with a unique column here.
const orders = new Map();

// A custom step begins: the page hands over the challenge token that Prelude gave it.
export async function openVerification(request, { challenge_token: challengeToken }) {
  const { userId } = await userOf(request);
  return forPage(userId, await doorstep.openVerification(challengeToken));
}

// Waits until somebody decided, and hands the token over when it was a yes.
export async function waitForVerification(request, id, after) {
  const { userId } = await userOf(request);
  return forPage(userId, await doorstep.waitForVerification(id, after));
}

async function forPage(userId, { id, version, state, user_id: owner }) {
  if (owner !== userId) throw new Problem(404, "no_such_verification", "There is no such check.");
  const answer = { id, version, state };
  if (state === "approved") answer.verification_token = (await doorstep.mintToken(id)).verification_token;
  return answer;
}

// Why the last request was blocked.
export async function refusal(request, scope) {
  const { userId } = await userOf(request);
  const decision = await doorstep.lastDecision(userId, scope);
  return { message: decision?.verdict === "block" ? decision.message : null };
}

// Executes a transfer: the token must carry the scope, and Doorstep must have granted exactly this, not yet spent.
export async function transfer(request, order) {
  const user = await userOf(request);
  if (!user.scopes.includes(settings.scope)) {
    throw new Problem(403, "not_granted", `The access token does not carry ${settings.scope}.`);
  }
  const { id, amount, currency, payee } = order;
  if (![id, amount, currency, payee].every((value) => typeof value === "string" && value !== "")) {
    throw new Problem(400, "invalid_order", "An order has id, amount, currency and payee.");
  }
  const name = `${user.userId} ${id}`;
  if (!orders.has(name)) orders.set(name, execute(user.userId, order).catch((error) => forget(name, error)));
  return orders.get(name);
}

async function execute(userId, { id, amount, currency, payee }) {
  const spent = await doorstep.redeemGrant(userId, settings.scope, { amount, currency, payee }, `transfer-${id}`);
  // Here the money would move, in the transaction that also writes the order down as executed.
  return { id, amount, currency, payee, decision_id: spent.decision_id, executed_at: spent.redeemed_at };
}

// What was not executed may be asked again.
function forget(name, error) {
  orders.delete(name);
  throw error;
}
