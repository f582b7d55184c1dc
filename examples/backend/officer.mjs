// The other side of an identity check: somebody who looks at it, or a provider. In this example a page with two buttons.
// It asks nobody who they are, so it is for a demonstration on one machine only.

import * as doorstep from "./doorstep.mjs";

const OFFICER = "Ana, second floor";
const REASONS = { approve: "document and face agree", reject: "document not readable" };

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => String(text).replace(/[&<>"']/g, (character) => escapes[character]);

// The page: what waits to be decided.
export async function officerPage() {
  const pending = await doorstep.pendingVerifications();
  const rows = pending.map(row).join("") || "<p>Nobody waits.</p>";
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Identity checks</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/officer.css" />
  </head>
  <body>
    <main>
      <h1>Identity checks</h1>
      <p>You are ${escape(OFFICER)}. Whoever asked waits on the other page, which goes on by itself.</p>
      ${rows}
      <p><a href="/officer">Look again</a></p>
    </main>
  </body>
</html>`;
}

function row({ id, user_id: user, step_key: step, scope, metadata, expires_at: end }) {
  const details = Object.entries(metadata ?? {}).map(([name, value]) => `${escape(name)} ${escape(value)}`);
  return `<article>
  <h2>${escape(step)}</h2>
  <p>${escape(user)} asks for <code>${escape(scope)}</code>: ${details.join(", ")}. Until ${escape(end)}.</p>
  <form method="post" action="/officer/${encodeURIComponent(id)}">
    <button name="verb" value="approve">Approve</button>
    <button name="verb" value="reject">Reject</button>
  </form>
</article>`;
}

// A button was pressed.
export async function decide(id, verb) {
  if (!Object.hasOwn(REASONS, verb)) return;
  try {
    await doorstep.decide(id, verb, REASONS[verb], OFFICER);
  } catch (error) {
    // Decided by somebody else, or too late: the page that follows shows what is left.
    if (!(error instanceof doorstep.Refused) || error.status !== 409) throw error;
  }
}
