// One transfer, from the question to its execution: the whole use of Prelude's step-up, without any view.

import type { StepUpChallengeInfo } from "@prelude.so/js-sdk/session";
import * as backend from "./backend";
import { client, codeWay, endOf } from "./prelude";
import { type Ending, keep, NOTHING, restore, type State } from "./state";
import { isExpired, words } from "./words";

export class Transfer {
  #state: State = restore();
  #listeners = new Set<() => void>();
  #waiting: AbortController | null = null;

  // For React's useSyncExternalStore.
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  state = (): State => this.#state;

  // Goes on where a reload interrupted; a code step waits for the user anyway.
  resume(): void {
    const { challenge, granted, ending } = this.#state;
    if (ending) return;
    if (granted) void this.#doing(() => this.#execute());
    else if (challenge && !codeWay(challenge.currentStep)) void this.#follow();
  }

  // Asks Prelude for the scope. Prelude asks Doorstep, and the answer is one of three.
  ask(order: backend.Order): Promise<void> {
    this.#set({ ...NOTHING, order });
    return this.#doing(async () => {
      const { id: _, scope, ...metadata } = order;
      const { status, challenge_token: token } = await client.requestStepUp({ scope, metadata, onChallenge: this.#seen });
      if (status === "block") return this.#end({ kind: "blocked", ...(await backend.refusal(scope)) });
      if (token) return this.#arrive(token);
      // Granted at once, without a challenge: the SDK has had no reason to refresh.
      await client.invalidateCache();
      return this.#execute();
    });
  }

  // The same order once more, such as after its time was over. It was not executed, so it keeps its id.
  askAgain(): Promise<void> {
    const { order } = this.#state;
    return order ? this.ask(order) : Promise.resolve();
  }

  checkCode(code: string): Promise<void> {
    return this.#doing(async () => {
      const { challenge } = this.#state;
      if (!challenge) return;
      try {
        const { challenge_token: token } = await client.otpCheck(challenge.id, code, this.#seen);
        await this.#arrive(token);
      } catch (error) {
        const name = error instanceof Error ? error.name : "";
        if (name === "BadRequestError") {
          this.#set({ notice: "That code is not right. Look again, or have a new one sent." });
        } else if (name === "UnauthorizedError") {
          // Prelude knows one code under way in a browser: another tab has asked for one since.
          this.#set({ challenge: { ...challenge, codeSent: false }, notice: "Another code was sent meanwhile." });
        } else {
          throw error;
        }
      }
    });
  }

  sendCode(): Promise<void> {
    return this.#doing(() => this.#sendCode());
  }

  resendCode(): Promise<void> {
    return this.#doing(async () => {
      await client.otpRetry();
      this.#set({ notice: "A new code is on its way." });
    });
  }

  // The step's time is over: whatever comes now comes too late for this challenge.
  expire(): void {
    this.#end({ kind: "expired" });
  }

  // Leaves this transfer; what was granted for it ends by itself.
  forget(): void {
    this.#waiting?.abort();
    this.#set(NOTHING);
  }

  // A challenge was opened or moved on, and the SDK has just told where it stands.
  async #arrive(token: string): Promise<void> {
    const info = this.#state.events.at(-1);
    if (!info || info.currentStep === "completed") return this.#execute();
    const { challengeId: id, currentStep, steps } = info;
    this.#set({ challenge: { id, token, currentStep, steps, endsAt: endOf(token), codeSent: false } });
    if (codeWay(currentStep)) return this.#sendCode();
    // Not waited for: somebody else has to decide first.
    void this.#follow();
  }

  async #sendCode(): Promise<void> {
    const { challenge } = this.#state;
    if (!challenge) return;
    await client.otpCreate({ challengeId: challenge.id });
    this.#set({ challenge: { ...challenge, codeSent: true } });
  }

  // A custom step: the backend opens it with the challenge token, waits with us, and hands over the token that proves it.
  async #follow(): Promise<void> {
    const { challenge } = this.#state;
    if (!challenge) return;
    this.#waiting?.abort();
    const { signal } = (this.#waiting = new AbortController());
    try {
      let check = await patiently(signal, () => backend.openVerification(challenge.token, signal));
      while (check.state === "pending") {
        const seen = check;
        check = await patiently(signal, () => backend.waitForVerification(seen, signal));
      }
      if (check.state !== "approved") return this.#end({ kind: check.state === "rejected" ? "rejected" : "expired" });
      const { challenge_token: token } = await client.continueStepUp(check.verification_token ?? "", this.#seen);
      await this.#arrive(token);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  // The scope is granted: the SDK has refreshed the session, and the backend executes with the new access token.
  async #execute(): Promise<void> {
    const { order } = this.#state;
    if (!order) return;
    this.#set({ granted: true, challenge: null, notice: null });
    const { signal } = (this.#waiting = new AbortController());
    const receipt = await patiently(signal, () => backend.transfer(order));
    this.#end({ kind: "executed", receipt });
  }

  // The SDK's `onChallenge`: called at every transition, before the call that caused it ends.
  #seen = (info: StepUpChallengeInfo): void => this.#set({ events: [...this.#state.events, info] });

  async #doing(work: () => Promise<void>): Promise<void> {
    this.#set({ busy: true, notice: null });
    try {
      await work();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#set({ busy: false });
    }
  }

  #fail(error: unknown): void {
    this.#end(isExpired(error) ? { kind: "expired" } : { kind: "failed", message: words(error) });
  }

  #end(ending: Ending): void {
    this.#waiting?.abort();
    this.#set({ ending, challenge: null });
  }

  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    keep(this.#state);
    for (const listener of this.#listeners) listener();
  }
}

// Tries again while there is no connection: waiting does no harm, and an order is executed once however often it is sent.
// A reload of the page looks like a lost connection, too, to the script that is about to end.
async function patiently<Answer>(signal: AbortSignal, work: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
