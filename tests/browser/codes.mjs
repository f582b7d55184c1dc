// Prelude's own step: a code by SMS.

import assert from "node:assert/strict";
import { stage } from "./browser.mjs";

const CHECK = "/v1/session/otp/check";
const WRONG = "000000";

export function codes(visited) {
  visited("a code by SMS grants the scope, and the next token does not carry it", async (visit) => {
    await visit.ask("SMSONLY00");
    await visit.sees("Code by SMS");
    assert.deepEqual(await visit.events(), ["verify_sms: verify_sms…"]);
    await visit.carries();
    await visit.picture("sms");
    await visit.typeCode(stage.code);
    await visit.sees("Sent");
    await visit.carries("transfer:write");
    assert.deepEqual(await visit.events(), ["verify_sms: verify_sms…", "completed: verify_sms✓"]);
    await visit.picture("sent-after-sms");
    await visit.page.getByRole("button", { name: "Refresh" }).click();
    await visit.carries();
    await visit.end();
  });

  visited("a wrong code, then the right one", async (visit) => {
    await visit.ask("SMSONLY00");
    await visit.sees("Code by SMS");
    await visit.typeCode(WRONG);
    await visit.shows("That code is not right.");
    assert.deepEqual(await visit.events(), ["verify_sms: verify_sms…"], "the challenge did not move");
    await visit.picture("wrong-code");
    await visit.typeCode(stage.code);
    await visit.sees("Sent");
    await visit.end(`${CHECK} bad_check_code`);
  });

  visited("a new code is sent on demand", async (visit) => {
    await visit.ask("SMSONLY00");
    await visit.page.getByLabel("Code from the SMS").waitFor();
    assert.equal(await visit.codesSent(), 2, "one to sign in, one for the step");
    await visit.page.getByRole("button", { name: "Send a new code" }).click();
    await visit.shows("A new code is on its way.");
    assert.equal(await visit.codesSent(), 3);
    await visit.picture("resend");
    await visit.typeCode(stage.code);
    await visit.sees("Sent");
    await visit.end();
  });

  visited("a step that is not done in time is over, and can be asked for again", async (visit) => {
    await visit.ask("SMSHURRY0");
    await visit.sees("Code by SMS");
    await visit.sees("Out of time");
    await visit.carries();
    await visit.picture("expired");
    await visit.page.getByRole("button", { name: "Ask again" }).click();
    await visit.sees("Code by SMS");
    await visit.end();
  });
}
