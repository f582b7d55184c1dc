// The customer's backend in Doorstep's example: serves the page, and does what only a server may do.
//
//   page ── challenge token ──▶ POST /api/verifications ──▶ Doorstep: a check is opened
//   page ── waits ────────────▶ GET  /api/verifications/… ─▶ Doorstep: decided? then a token is minted
//   page ── access token ─────▶ POST /api/transfers ──────▶ Doorstep: the grant is redeemed, once; then it is executed

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import * as api from "./api.mjs";
import { Refused } from "./doorstep.mjs";
import { files } from "./files.mjs";
import { decide, officerPage } from "./officer.mjs";
import { NotSignedIn } from "./session.mjs";
import { settings } from "./settings.mjs";

const BODY_BYTES_MAX = 16 * 1024;

// The page runs its own scripts and Prelude's WebAssembly, and talks to Prelude and to this server.
const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    `connect-src 'self' data: https://${settings.sessionDomain}`,
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; "),
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
};

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const [, area, what, id] = pathname.split("/");
  const route = `${request.method} ${area === "api" ? `/api/${what}${id ? "/…" : ""}` : pathname}`;
  switch (route) {
    case "GET /api/config":
      return json(200, { session_domain: settings.sessionDomain, scope: settings.scope, hint: settings.hint });
    case "POST /api/verifications":
      return json(200, await api.openVerification(request, await read(request)));
    case "GET /api/verifications/…":
      return json(200, await api.waitForVerification(request, id, Number(searchParams.get("after") ?? 0)));
    case "GET /api/refusal":
      return json(200, await api.refusal(request, searchParams.get("scope") ?? settings.scope));
    case "POST /api/transfers":
      return json(201, await api.transfer(request, await read(request)));
    case "GET /officer":
      return { status: 200, type: "text/html; charset=utf-8", body: await officerPage() };
  }
  if (request.method === "POST" && area === "officer" && what) return officerDecides(request, what);
  const file = request.method === "GET" && files.get(pathname);
  if (file) return { status: 200, ...file };
  throw new api.Problem(404, "not_found", "There is nothing here.");
}

async function officerDecides(request, id) {
  // A form on somebody else's page must not press these buttons.
  if (request.headers.origin !== `${scheme}://${request.headers.host}`) throw new api.Problem(403, "foreign", "Not from here.");
  await decide(id, new URLSearchParams(await text(request)).get("verb"));
  return { status: 303, location: "/officer", body: "" };
}

async function text(request) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > BODY_BYTES_MAX) throw new api.Problem(413, "too_large", "The body is too large.");
  }
  return body;
}

async function read(request) {
  try {
    const body = JSON.parse(await text(request));
    if (body && typeof body === "object") return body;
  } catch (error) {
    if (error instanceof api.Problem) throw error;
  }
  throw new api.Problem(400, "not_json", "The body is not a JSON object.");
}

const json = (status, value) => ({ status, type: "application/json", body: JSON.stringify(value) });

// A refusal in the page's words: codes are stable, messages are for people.
function refusal(error) {
  if (error instanceof NotSignedIn) return json(401, { code: "not_signed_in", message: "Sign in again." });
  if (error instanceof api.Problem || error instanceof Refused) {
    return json(error.status, { code: error.code, message: error.message });
  }
  console.error(error);
  return json(502, { code: "unavailable", message: "Something behind this page does not answer." });
}

async function serve(request, response) {
  const { status, type, location, body } = await answer(request).catch(refusal);
  const headers = { ...HEADERS, "Cache-Control": "no-store" };
  if (type) headers["Content-Type"] = type;
  if (location) headers.Location = location;
  response.writeHead(status, headers).end(body);
}

const { certificateFile, keyFile } = settings.tls;
const scheme = certificateFile ? "https" : "http";
const server = certificateFile
  ? https.createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, serve)
  : http.createServer(serve);

server.listen(settings.port, "127.0.0.1", () => console.log(`${scheme}://localhost:${server.address().port}`));

// Whoever started this with a pipe for its input wants it to end with them, and not at a Ctrl-C that was meant for them.
if (process.env.END_WITH_INPUT) {
  process.on("SIGINT", () => {});
  process.stdin.resume().on("end", () => process.exit(0));
}
