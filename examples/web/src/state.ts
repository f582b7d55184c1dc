// Where a transfer stands. It survives a reload of the page: what is in sessionStorage is this tab's own.

import type { StepUpChallengeInfo, StepUpChallengeStep } from "@prelude.so/js-sdk/session";
import type { Order, Receipt } from "./backend";

export interface Challenge {
  id: string;
  token: string;
  currentStep: string;
  steps: StepUpChallengeStep[];
  // Milliseconds since 1970.
  endsAt: number;
  codeSent: boolean;
}

export type Ending =
  | { kind: "executed"; receipt: Receipt }
  | { kind: "blocked"; message: string | null }
  | { kind: "rejected" }
  | { kind: "expired" }
  | { kind: "failed"; message: string };

export interface State {
  order: Order | null;
  challenge: Challenge | null;
  granted: boolean;
  ending: Ending | null;
  // What `onChallenge` was called with, oldest first.
  events: StepUpChallengeInfo[];
  busy: boolean;
  notice: string | null;
}

const KEY = "doorstep.example.transfer";

export const NOTHING: State = {
  order: null,
  challenge: null,
  granted: false,
  ending: null,
  events: [],
  busy: false,
  notice: null,
};

// Reads what a reload left; nothing where that is not readable.
export function restore(): State {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<State>;
    return { ...NOTHING, ...kept, busy: false };
  } catch {
    return NOTHING;
  }
}

export function keep(state: State): void {
  sessionStorage.setItem(KEY, JSON.stringify(state));
}
