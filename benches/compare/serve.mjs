// Serves the hook. FRAMEWORK: fastify or express; COMMIT: each or group; HOST, PORT, STORE and KEY_SET_URL say the rest.

import { hookOf } from "./hook.mjs";
import { openKeySet } from "./keys.mjs";
import { openRecord } from "./record.mjs";

const { FRAMEWORK, COMMIT, HOST, PORT, STORE, KEY_SET_URL } = process.env;

const { serverOf } = await (FRAMEWORK === "express" ? import("./express.mjs") : import("./fastify.mjs"));
const record = openRecord(STORE, COMMIT);
const server = serverOf(hookOf(await openKeySet(KEY_SET_URL), record));
await server.listen(HOST, Number(PORT));

process.once("SIGTERM", async () => {
  await server.close();
  record.close();
  process.exit(0);
});
