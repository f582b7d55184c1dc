// The built page: read once, so that no request chooses a path.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { settings } from "./settings.mjs";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

// Path in the address → { type, body }.
export const files = new Map();

for (const entry of readdirSync(settings.pageDirectory, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.join(entry.parentPath, entry.name);
  const name = `/${path.relative(settings.pageDirectory, file).split(path.sep).join("/")}`;
  files.set(name, { type: TYPES[path.extname(name)] ?? "application/octet-stream", body: readFileSync(file) });
}
files.set("/", files.get("/index.html"));
files.set("/officer.css", { type: TYPES[".css"], body: readFileSync(new URL("officer.css", import.meta.url)) });
