// Walks the example's page in Chromium, with everything behind it. `tests/browser/main.rs` starts it.

import { after, before, describe, it } from "node:test";
import { answers } from "./answers.mjs";
import { openBrowser, Visit } from "./browser.mjs";
import { checks } from "./checks.mjs";
import { codes } from "./codes.mjs";
import { interruptions } from "./interruptions.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

// A test that begins with somebody who has just signed in. Where it fails, a picture shows what there was to be seen.
const visited = (name, test) =>
  it(name, async () => {
    const visit = await Visit.begin(browser);
    try {
      await visit.signIn();
      await test(visit);
    } catch (error) {
      await visit.picture(`FAILED ${name}`).catch(() => {});
      throw error;
    } finally {
      await visit.context.close();
    }
  });

describe("what Doorstep answers", () => answers(visited));
describe("codes by SMS", () => codes(visited));
describe("checks by somebody else", () => checks(visited));
describe("interruptions", () => interruptions(visited));
