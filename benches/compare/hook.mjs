// A hook call from its raw bytes to its answer; a framework only carries it.

import { judge } from "./rules.mjs";
import { isSigned } from "./signature.mjs";

/** What brings a row to about 600 bytes, as a record with its reasons and condition values has. */
const EXPLANATION = JSON.stringify({
  ten: "conditions", were: "seen", and: "each", keeps: "what it looked at", amount: "612.40", currency: "USD",
  ip: "192.0.2.0/24", platform: "WEB", phone: "+33*******78", email: "u***@example.com",
  bundle: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", evaluation_ns: 1200,
  steps: ["verify_sms", "verify_email"], outcomes: "0000000010", metadata: { payee: "DE0000000000000000" },
});

/** Makes the hook. It takes headers and raw body, and promises status and body of the answer. */
export function hookOf(keys, record) {
  return async function answer(headers, raw) {
    const key = await keys.find(headers["x-webhook-signature-key-id"]);
    if (!key || !isSigned(raw, headers["x-webhook-signature"], key)) return refused(401, "unverified_call");
    const call = read(raw);
    const ruling = call && judge(call);
    if (!ruling) return refused(400, "invalid_call");
    try {
      await record.add(rowOf(call, ruling));
    } catch {
      return refused(503, "not_recorded");
    }
    return { status: 200, body: ruling.answer };
  };
}

function refused(status, code) {
  return { status, body: { code } };
}

/** The call, or undefined where a field that is looked at is not what it should be. */
function read(raw) {
  let call;
  try {
    call = JSON.parse(raw.toString("utf8"));
  } catch {
    return undefined;
  }
  const { scope_requested, user_id, identifiers, signals, metadata } = call ?? {};
  const texts = [
    scope_requested, user_id, signals?.user_agent, signals?.platform, signals?.ip,
    metadata?.amount, metadata?.currency, metadata?.payee,
  ];
  return texts.every((text) => typeof text === "string") && Array.isArray(identifiers) ? call : undefined;
}

function rowOf(call, { rule, answer }) {
  const phones = call.identifiers.filter((identifier) => identifier?.type === "phone_number").length;
  return [
    call.user_id, call.scope_requested, answer.status, rule, JSON.stringify(answer), phones, EXPLANATION,
  ];
}
