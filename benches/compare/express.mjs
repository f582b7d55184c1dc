// The hook on Express.

import { once } from "node:events";

import express from "express";

/** Makes the server; `listen` and `close` are promises. */
export function serverOf(answer) {
  const app = express();
  app.disable("x-powered-by");
  // Nobody asks for a verdict conditionally.
  app.disable("etag");
  // The signature is over the bytes as they came.
  const raw = express.raw({ type: "application/json", limit: 65_536 });
  app.post("/hooks/stepup", raw, async (request, response) => {
    if (!Buffer.isBuffer(request.body)) return void response.status(415).json({ code: "unsupported_media_type" });
    const { status, body } = await answer(request.headers, request.body);
    response.status(status).json(body);
  });
  app.get("/readyz", (_request, response) => void response.json({ status: "ready" }));
  let server;
  return {
    async listen(host, port) {
      server = app.listen(port, host);
      await once(server, "listening");
      return `http://${host}:${server.address().port}`;
    },
    close: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}
