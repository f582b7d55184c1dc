// Mints verification tokens with the types that openapi-typescript made. Reads {"server", "opener", "approver", "minter", "backend",
// "challenges"} from its first argument, and prints {"by_steps", "in_one_call", "refused"}.

import createClient from "openapi-fetch";
import type { components, paths } from "./doorstep.js";

declare const process: { argv: string[] };

interface Wanted {
  server: string;
  opener: string;
  approver: string;
  minter: string;
  backend: string;
  challenges: [string, string];
}

const wanted = JSON.parse(process.argv[2] ?? "") as Wanted;

function client(key: string) {
  return createClient<paths>({ baseUrl: wanted.server, headers: { Authorization: `Bearer ${key}` } });
}

function given<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const opened = given(
  await client(wanted.opener).POST("/v1/verifications", {
    params: { header: { "Idempotency-Key": "once" } },
    body: { challenge_token: wanted.challenges[0] },
  }),
);
const params = { path: { id: opened.id } };
const approved: components["schemas"]["Verification"] = given(
  await client(wanted.approver).POST("/v1/verifications/{id}/approve", {
    params,
    body: { reason: "passport seen", actor: "Ana" },
  }),
);
if (approved.state !== "approved") throw new Error(approved.state);
const minted = given(await client(wanted.minter).POST("/v1/verifications/{id}/token", { params, body: {} }));

const backend = client(wanted.backend);
const atOnce = given(await backend.POST("/v1/verification-tokens", { body: { challenge_token: wanted.challenges[1] } }));
const { error } = await backend.POST("/v1/verification-tokens", { body: { challenge_token: "no" } });
const refused: components["schemas"]["ProblemCode"] | undefined = error?.code;

// What the types are for: the compiler fails where one of these is no mistake any more.
export const mistakes = () => [
  // @ts-expect-error a token is a text
  backend.POST("/v1/verification-tokens", { body: { challenge_token: 1 } }),
  // @ts-expect-error there is no such address
  backend.POST("/v1/tokens", { body: { challenge_token: "x" } }),
  // @ts-expect-error a state is one of four words
  opened.state === "done",
];

console.log(JSON.stringify({ by_steps: minted.verification_token, in_one_call: atOnce.verification_token, refused }));
