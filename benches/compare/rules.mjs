// The ten rules of benches/policies/transfer.yaml, written in code.

import { BlockList, isIP } from "node:net";

const blocked = networks(["198.51.100.0/24", "203.0.113.128/25", "2001:db8:bad::/48"]);
const usual = networks(["192.0.2.0/24", "10.0.0.0/8", "2001:db8:1::/48"]);
const onHold = new Set(["DE000000000000000000", "FR000000000000000000"]);

const block = { status: "block" };
const review = {
  status: "review",
  granted_for: 300,
  grant_mode: "single-use",
  steps: [{ order: 1, key: "verify_sms", expiration_duration: 600 }],
};
const proceed = { status: "continue", granted_for: 300, grant_mode: "single-use" };

/** Decides a call: the first rule that matches. Undefined for an amount or an address that is none. */
export function judge({ signals, metadata }) {
  const cents = centsOf(metadata.amount);
  const family = isIP(signals.ip);
  if (cents === undefined || family === 0) return undefined;
  const atLeast = (amount) => cents >= amount * 100;
  const within = (list) => list.check(signals.ip, family === 4 ? "ipv4" : "ipv6");
  if (within(blocked)) return { rule: "blocked-network", answer: block };
  if (atLeast(50_000)) return { rule: "over-the-limit", answer: block };
  if (signals.user_agent.startsWith("curl/")) return { rule: "script", answer: block };
  if (["EUR", "GBP"].includes(metadata.currency) && atLeast(20_000)) return { rule: "large-elsewhere", answer: block };
  if (onHold.has(metadata.payee)) return { rule: "payee-on-hold", answer: block };
  if (atLeast(10_000)) return { rule: "large", answer: review };
  if (["IOS", "ANDROID"].includes(signals.platform) && atLeast(5_000)) return { rule: "large-on-a-phone", answer: review };
  if (!within(usual) && atLeast(1_000)) return { rule: "unusual-network", answer: review };
  if (!atLeast(50)) return { rule: "small", answer: proceed };
  return { rule: "ordinary", answer: review };
}

/** An amount in cents, exact: twelve digits before the point are far below what a number holds. */
function centsOf(text) {
  const parts = /^(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,2}))?$/.exec(text);
  return parts ? Number(parts[1]) * 100 + Number((parts[2] ?? "").padEnd(2, "0")) : undefined;
}

function networks(ranges) {
  const list = new BlockList();
  for (const range of ranges) {
    const [address, length] = range.split("/");
    list.addSubnet(address, Number(length), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
