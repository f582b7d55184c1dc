// The officer who decides about identity checks, on the backend's second page.

import { stage } from "./browser.mjs";

// Opens the officer's page in a tab of the visit, with the check before them that this user asked for.
export async function look(visit, step = "kyc_review") {
  const page = await visit.context.newPage();
  const user = await visit.page.getByRole("region", { name: "Your session" }).locator("dd code").innerText();
  const check = page.getByRole("article").filter({ hasText: user }).filter({ hasText: step });
  await page.goto(stage.officer);
  // The page shows what waits when it is loaded: whoever comes a moment too early looks again, as a person would.
  for (const end = Date.now() + 20_000; !(await check.isVisible()) && Date.now() < end; ) {
    await page.getByRole("link", { name: "Look again" }).click();
    await page.waitForLoadState();
  }
  await check.waitFor({ timeout: 1_000 });
  return {
    picture: (state) => visit.picture(state, page),
    async press(verb) {
      await check.getByRole("button", { name: verb }).click();
      await check.waitFor({ state: "detached" });
      await page.close();
    },
  };
}

export const decide = async (visit, verb, step) => (await look(visit, step)).press(verb);
