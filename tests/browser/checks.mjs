// Custom steps: somebody on the customer's side decides, and Doorstep's token tells Prelude.

import assert from "node:assert/strict";
import { stage } from "./browser.mjs";
import { decide, look } from "./officer.mjs";

const CONTINUE = "/v1/session/stepup/continue";

export function checks(visited) {
  visited("SMS, then an identity check that is approved", async (visit) => {
    await visit.ask("SMSANDKYC", { amount: "15000" });
    await visit.typeCode(stage.code);
    await visit.sees("Identity check");
    await visit.carries();
    await visit.picture("kyc");
    const officer = await look(visit);
    await officer.picture("officer");
    await officer.press("Approve");
    await visit.sees("Sent");
    await visit.carries("transfer:write");
    assert.deepEqual(await visit.events(), [
      "verify_sms: verify_sms…, kyc_review…",
      "kyc_review: verify_sms✓, kyc_review…",
      "completed: verify_sms✓, kyc_review✓",
    ]);
    await visit.picture("sent-after-kyc");
    await visit.page.getByRole("button", { name: "Refresh" }).click();
    await visit.carries();
    await visit.end();
  });

  visited("an identity check that is rejected grants nothing", async (visit) => {
    await visit.ask("SMSANDKYC");
    await visit.typeCode(stage.code);
    await visit.sees("Identity check");
    await decide(visit, "Reject");
    await visit.sees("Not confirmed");
    await visit.carries();
    assert.equal((await visit.events()).length, 2, "the challenge did not move");
    await visit.picture("kyc-rejected");
    await visit.end();
  });

  visited("two custom steps, one after the other", async (visit) => {
    await visit.ask("TWOCUSTOM");
    await visit.sees("Identity check");
    await decide(visit, "Approve");
    await visit.sees("Source of funds");
    await visit.carries();
    await visit.picture("second-custom-step");
    await decide(visit, "Approve", "source_of_funds");
    await visit.sees("Sent");
    await visit.carries("transfer:write");
    assert.deepEqual(await visit.events(), [
      "kyc_review: kyc_review…, source_of_funds…",
      "source_of_funds: kyc_review✓, source_of_funds…",
      "completed: kyc_review✓, source_of_funds✓",
    ]);
    await visit.end();
  });

  visited("a token that was used before is refused", async (visit) => {
    // The first step's token comes once more where the second step's should.
    let first;
    await visit.page.route("**/api/verifications/*", async (route) => {
      const response = await route.fetch();
      const check = await response.json();
      if (check.state === "approved") first ??= check.verification_token;
      await route.fulfill({ response, json: { ...check, ...(check.verification_token && { verification_token: first }) } });
    });
    await visit.ask("TWOCUSTOM");
    await visit.sees("Identity check");
    await decide(visit, "Approve");
    await visit.sees("Source of funds");
    await decide(visit, "Approve", "source_of_funds");
    await visit.sees("Nothing was sent");
    await visit.shows("This proof was used before. Please ask again.");
    await visit.carries();
    await visit.picture("token-reused");
    await visit.end(`${CONTINUE} token_reused`);
  });

  visited("an approval that comes after the challenge ended opens the next one", async (visit) => {
    await visit.ask("KYCHURRY0");
    await visit.sees("Identity check");
    const officer = await look(visit);
    await visit.sees("Out of time");
    await visit.picture("kyc-expired");
    await officer.press("Approve");
    await visit.sees("Out of time");
    await visit.page.getByRole("button", { name: "Ask again" }).click();
    await visit.sees("Sent");
    await visit.carries("transfer:write");
    await visit.end();
  });
}
