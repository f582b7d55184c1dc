// Chromium, and a visit to the example's page in it.

import assert from "node:assert/strict";
import { createHash, randomInt, X509Certificate } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import tls from "node:tls";

const require = createRequire(path.join(process.env.DOORSTEP_TEST_NODE_MODULES, "of-the-tests.js"));
const { chromium } = require("playwright-core");

// What `doorstep demo --web --format json` printed: the addresses of everything, and the code that every SMS has.
export const stage = JSON.parse(process.env.DOORSTEP_TEST_STAGE);

const SHOTS = process.env.DOORSTEP_TEST_ARTIFACTS;
mkdirSync(SHOTS, { recursive: true });

// A machine without a way out, and without a screen.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// One browser for all visits, with a fresh profile that Playwright makes and removes.
export async function openBrowser() {
  const servers = [stage.session_domain, new URL(stage.page).host];
  const trusted = (await Promise.all(servers.map(publicKeyHash))).join();
  return chromium.launch({
    executablePath: process.env.DOORSTEP_TEST_CHROMIUM,
    // The throw-away certificates, and no others, are good without an authority.
    args: [...FLAGS, `--ignore-certificate-errors-spki-list=${trusted}`],
  });
}

// The hash by which Chromium knows the emulator's key. Node has checked its certificate (NODE_EXTRA_CA_CERTS).
async function publicKeyHash(domain) {
  const [host, port] = domain.split(":");
  const socket = tls.connect({ host, port: Number(port), servername: host });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  return createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
}

// The SDK's first call with a fresh key is always answered with a nonce to use: that is no fault.
const USUAL = "use_dpop_nonce";

// A visitor with a private window of their own: nothing is shared with other visits. Whatever the browser complains of is kept.
export class Visit {
  #complaints = [];
  #refusals = [];
  #reading = [];
  #loads = 0;

  static async begin(browser) {
    const visit = new Visit();
    visit.context = await browser.newContext({ viewport: { width: 1040, height: 760 }, colorScheme: "light" });
    visit.context.setDefaultTimeout(20_000);
    visit.page = await visit.open();
    return visit;
  }

  // A tab.
  async open() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.#complaints.push(`thrown: ${error.stack}`));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      // Chromium's own word for an answer that is a refusal: those are looked at one by one below.
      if (message.text().startsWith("Failed to load resource")) this.#loads += 1;
      else this.#complaints.push(message.text());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.#reading.push(this.#read(response));
    });
    await page.goto(stage.page);
    return page;
  }

  async #read(response) {
    const { code } = await response.json().catch(() => ({}));
    if (code !== USUAL) this.#refusals.push(`${new URL(response.url()).pathname} ${code}`);
  }

  // Signs in as somebody new.
  async signIn() {
    const { page } = this;
    this.phone = `+336${String(randomInt(1e8)).padStart(8, "0")}`;
    await page.getByLabel("Phone number").fill(this.phone);
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("Code").fill(stage.code);
    await page.getByRole("button", { name: "Sign in" }).click();
    await this.sees("Send money");
  }

  // Asks for a transfer; the payee chooses what the policy demands.
  async ask(payee, { amount = "100", page = this.page } = {}) {
    await page.getByLabel("Amount").fill(amount);
    await page.getByLabel("To the account").fill(payee);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }

  async typeCode(code, page = this.page) {
    await page.getByLabel("Code from the SMS").fill(code);
    await page.getByRole("button", { name: "Confirm" }).click();
  }

  // Waits for a screen, by its heading.
  async sees(heading, page = this.page) {
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  }

  async shows(text, page = this.page) {
    await page.getByText(text).first().waitFor();
  }

  // Waits until the page shows these scopes as granted.
  async carries(...scopes) {
    const list = this.page.getByRole("region", { name: "Your session" });
    if (scopes.length === 0) return list.getByText("none", { exact: true }).waitFor();
    for (const scope of scopes) await list.getByText(scope, { exact: true }).waitFor();
  }

  // What `onChallenge` told: `step: key… key✓`, oldest first.
  async events(page = this.page) {
    const items = await page.locator("ol.events > li").all();
    return Promise.all(
      items.map(async (item) => {
        const marks = await item.locator(".marks > span").allInnerTexts();
        return `${await item.getAttribute("data-current")}: ${marks.map((mark) => mark.replace(" ", "")).join(", ")}`;
      }),
    );
  }

  // Keeps what is to be seen now.
  async picture(state, page = this.page) {
    await page.screenshot({ path: path.join(SHOTS, `${state}.png`) });
  }

  // How many codes were sent to this visitor, by the emulator's own journal.
  async codesSent() {
    const answer = await fetch(`https://${stage.session_domain}/_emulator/log`);
    const { entries } = await answer.json();
    return entries.filter(({ what, to }) => what === "code_sent" && to === this.phone).length;
  }

  // Ends it: nothing may have been complained of, and nothing refused but these, as `path code`.
  async end(...refusals) {
    await Promise.all(this.#reading);
    assert.deepEqual(this.#complaints, [], "the browser's console is silent");
    assert.deepEqual(this.#refusals.toSorted(), refusals.toSorted(), "what was refused");
    assert.ok(this.#loads <= this.#reading.length, "every failed load is a refusal that was looked at");
  }
}
