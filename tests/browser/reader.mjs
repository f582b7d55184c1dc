// The reader of docs/TUTORIAL.md: does in the browser what it says between its commands.

import assert from "node:assert/strict";
import { openBrowser, stage, Visit } from "./browser.mjs";
import { decide } from "./officer.mjs";

const browser = await openBrowser();
const visit = await Visit.begin(browser);
await visit.signIn();
await visit.ask("DE89370400440532013000", { amount: "15000" });
await visit.typeCode(stage.code);
await visit.sees("Identity check");
await visit.picture("tutorial-identity-check");
await decide(visit, "Approve");
await visit.sees("Sent");
await visit.carries("transfer:write");
assert.deepEqual(await visit.events(), [
  "verify_sms: verify_sms…, kyc_review…",
  "kyc_review: verify_sms✓, kyc_review…",
  "completed: verify_sms✓, kyc_review✓",
]);
await visit.page.getByRole("button", { name: "Refresh" }).click();
await visit.carries();
await visit.end();
await browser.close();
