// The customer's own backend (../backend): what only a server may do.

import { currentSession } from "./prelude";

export interface Order {
  id: string;
  scope: string;
  amount: string;
  currency: string;
  payee: string;
}

export interface Receipt {
  id: string;
  amount: string;
  currency: string;
  payee: string;
  executed_at: string;
}

export interface Verification {
  id: string;
  version: number;
  state: "pending" | "approved" | "rejected" | "expired";
  verification_token?: string;
}

// What the backend refused, with its code.
export class BackendError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function ask<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
  const session = await currentSession();
  const headers: Record<string, string> = { Authorization: `Bearer ${session?.accessToken ?? ""}` };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  });
  const answer = await response.json();
  if (!response.ok) throw new BackendError(answer.code, answer.message);
  return answer as Answer;
}

export const openVerification = (challengeToken: string, signal: AbortSignal) =>
  ask<Verification>("POST", "/api/verifications", { challenge_token: challengeToken }, signal);

export const waitForVerification = ({ id, version }: Verification, signal: AbortSignal) =>
  ask<Verification>("GET", `/api/verifications/${id}?after=${version}`, undefined, signal);

export const refusal = (scope: string) =>
  ask<{ message: string | null }>("GET", `/api/refusal?scope=${encodeURIComponent(scope)}`);

export const transfer = ({ id, amount, currency, payee }: Order) =>
  ask<Receipt>("POST", "/api/transfers", { id, amount, currency, payee });
