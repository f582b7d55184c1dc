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
    // One code is under way in a browser: each tab has been overtaken by the other's, says so, and sends another.
    for (const [page, amount] of [[visit.page, 100], [second, 200]]) {
      await visit.typeCode(stage.code, page);
      await visit.shows("Another code was sent meanwhile.", page);
      await page.getByRole("button", { name: "Send me a code" }).click();
      await visit.typeCode(stage.code, page);
      await visit.sees("Sent", page);
      await visit.shows(`${amount} EUR are on their way`, page);
    }
    for (const page of [visit.page, second]) {
      assert.deepEqual(await visit.events(page), ["verify_sms: verify_sms…", "completed: verify_sms✓"]);
    }
    const overtaken = "/v1/session/otp/check unauthorized";
    await visit.end(overtaken, overtaken);
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
