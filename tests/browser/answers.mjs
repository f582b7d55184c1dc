// Continue, block, a scope that is not allowed, and what is executed in the end.

import assert from "node:assert/strict";
import { stage } from "./browser.mjs";

const ORDER = "/api/transfers";

export function answers(visited) {
  visited("continue: the scope is granted at once, for one use", async (visit) => {
    await visit.carries();
    await visit.picture("form");
    await visit.ask("CONTINUE0");
    await visit.sees("Sent");
    await visit.shows("100 EUR are on their way to CONTINUE0.");
    await visit.carries("transfer:write");
    assert.deepEqual(await visit.events(), ["completed: "]);
    await visit.picture("continue");
    await visit.page.getByRole("button", { name: "Refresh" }).click();
    await visit.carries();
    await visit.end();
  });

  visited("block: the rule's own message is shown, and nothing is granted", async (visit) => {
    await visit.ask("BLOCKED00");
    await visit.sees("Not possible");
    await visit.shows("We do not send money to this account.");
    await visit.carries();
    assert.deepEqual(await visit.events(), []);
    await visit.picture("block");
    await visit.end();
  });

  visited("what breaks the policy's form is blocked, without a message", async (visit) => {
    await visit.ask("CONTINUE0", { amount: "0.001" });
    await visit.sees("Not possible");
    await visit.shows("This cannot be done.");
    await visit.end();
  });

  visited("a scope that is not allowed never reaches Doorstep", async (visit) => {
    await visit.page.goto(`${stage.page}/?scope=vault:open`);
    await visit.ask("CONTINUE0");
    await visit.sees("Nothing was sent");
    await visit.shows("This app may not ask for that.");
    await visit.picture("scope-not-allowed");
    await visit.end("/v1/session/stepup/request scope_not_allowed");
  });

  visited("an amount that changed between verdict and execution is not executed", async (visit) => {
    await visit.page.route(`**${ORDER}`, (route) => {
      const order = { ...route.request().postDataJSON(), amount: "10000" };
      return route.continue({ postData: JSON.stringify(order) });
    });
    await visit.ask("CONTINUE0");
    await visit.sees("Nothing was sent");
    await visit.shows("What was granted is not what should be executed, so nothing was sent.");
    await visit.carries("transfer:write");
    await visit.picture("amount-changed");
    await visit.end(`${ORDER} differs`);
  });

  visited("a verdict is executed once, however often the page asks", async (visit) => {
    const orders = [];
    visit.page.on("request", (request) => {
      if (request.url().endsWith(ORDER)) orders.push({ headers: request.headers(), data: request.postData() });
    });
    await visit.ask("CONTINUE0");
    await visit.sees("Sent");
    const [order] = orders;
    const again = async (data) => {
      const answer = await visit.context.request.post(`${stage.page}${ORDER}`, { headers: order.headers, data });
      return [answer.status(), await answer.json()];
    };
    const [status, receipt] = await again(order.data);
    assert.equal(status, 201);
    assert.equal(receipt.amount, "100", "the same order is the same execution");
    const other = JSON.stringify({ ...JSON.parse(order.data), id: "another" });
    const [refused, problem] = await again(other);
    assert.deepEqual([refused, problem.code], [409, "already_redeemed"]);
    await visit.end();
  });
}
