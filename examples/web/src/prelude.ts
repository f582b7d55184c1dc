// Prelude's client, and what the page reads out of its tokens. Nothing here is trusted: the backend verifies.

import { PrldSessionClient } from "@prelude.so/js-sdk/session";

export interface Config {
  session_domain: string;
  scope: string;
  hint: string;
}

const answer = await fetch("/api/config");
export const config = (await answer.json()) as Config;

export const client = new PrldSessionClient({ domain: config.session_domain });

// Who is signed in, and what the current access token carries.
export interface Session {
  userId: string;
  scopes: string[];
  accessToken: string;
  expiresAt: Date;
}

// The session, refreshed where that is due; null when nobody is signed in.
export async function currentSession(): Promise<Session | null> {
  if (!(await client.getProfile())) return null;
  const { user } = await client.refresh();
  const { sub, exp, scopes, scope } = user.profile as unknown as Claims;
  const granted = scopes ?? scope ?? [];
  return {
    userId: sub,
    scopes: Array.isArray(granted) ? granted : granted.split(" ").filter(Boolean),
    accessToken: user.accessToken,
    expiresAt: new Date(exp * 1000),
  };
}

// A new access token in place of the one that is kept.
export async function refreshedSession(): Promise<Session | null> {
  await client.invalidateCache();
  return currentSession();
}

interface Claims {
  sub: string;
  exp: number;
  scopes?: string[];
  scope?: string | string[];
}

// When a challenge token ends, in milliseconds.
export function endOf(token: string): number {
  const payload = token.split(".")[1] ?? "";
  const json = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  return (JSON.parse(json) as { exp: number }).exp * 1000;
}

// Prelude's steps that are done with a code.
const CODE_STEPS: Record<string, string> = { verify_sms: "SMS", verify_email: "e-mail" };

export const codeWay = (step: string): string | undefined => CODE_STEPS[step];

const STEP_NAMES: Record<string, string> = {
  verify_sms: "Code by SMS",
  verify_email: "Code by e-mail",
  kyc_review: "Identity check",
  completed: "Done",
};

// A step's name for people: one that the page does not know is made readable.
export const stepName = (key: string): string =>
  STEP_NAMES[key] ?? key.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
