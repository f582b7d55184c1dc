// The hook on Fastify.

import Fastify from "fastify";

/** Makes the server; `listen` and `close` are promises. */
export function serverOf(answer) {
  const app = Fastify({ bodyLimit: 65_536 });
  // The signature is over the bytes as they came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/hooks/stepup", async (request, reply) => {
    const { status, body } = await answer(request.headers, request.body);
    return reply.code(status).send(body);
  });
  app.get("/readyz", async () => ({ status: "ready" }));
  return {
    listen: (host, port) => app.listen({ host, port }),
    close: () => app.close(),
  };
}
