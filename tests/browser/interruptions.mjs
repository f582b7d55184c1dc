// Tabs, reloads, and answers that get lost.

import assert from "node:assert/strict";
import { stage } from "./browser.mjs";
import { decide } from "./officer.mjs";

export function interruptions(visited) {
  visited("two challenges at once, in two tabs, end in two transfers", async (visit) => {
    const second = await visit.open();
    await visit.sees("Send money", second);
    await visit.ask("SMSONLY00", { amount: "100" });
    await visit.sees("Code by SMS");
    await visit.ask("SMSONLY00", { amount: "200", page: second });
    await visit.sees("Code by SMS", second);
    await visit.typeCode(stage.code);
    await visit.sees("Sent");
    await visit.shows("100 EUR are on their way");
    await visit.typeCode(stage.code, second);
    await visit.sees("Sent", second);
    await visit.shows("200 EUR are on their way", second);
    for (const page of [visit.page, second]) {
      assert.deepEqual(await visit.events(page), ["verify_sms: verify_sms…", "completed: verify_sms✓"]);
    }
    await visit.end();
  });

  visited("a reload while a code is awaited goes on where it was", async (visit) => {
    await visit.ask("SMSONLY00");
    await visit.sees("Code by SMS");
    await visit.page.getByLabel("Code from the SMS").waitFor();
    await visit.page.reload();
    await visit.sees("Code by SMS");
    await visit.typeCode(stage.code);
    await visit.sees("Sent");
    await visit.end();
  });

  visited("a reload while somebody looks goes on where it was", async (visit) => {
    await visit.ask("SMSANDKYC");
    await visit.typeCode(stage.code);
    await visit.sees("Identity check");
    await visit.page.reload();
    await visit.sees("Identity check");
    await decide(visit, "Approve");
    await visit.sees("Sent");
    assert.deepEqual(await visit.events(), [
      "verify_sms: verify_sms…, kyc_review…",
      "kyc_review: verify_sms✓, kyc_review…",
      "completed: verify_sms✓, kyc_review✓",
    ]);
    await visit.end();
  });
}
