import type { Order } from "./backend";
import { CodeField } from "./CodeField";
import { Countdown } from "./Countdown";
import { Heading } from "./Heading";
import { codeWay, stepName } from "./prelude";
import type { Challenge } from "./state";
import type { Transfer } from "./transfer";

interface Props {
  challenge: Challenge;
  order: Order | null;
  busy: boolean;
  notice: string | null;
  transfer: Transfer;
}

// The steps that are demanded, and the one to do now.
export function Steps({ challenge, order, busy, notice, transfer }: Props) {
  const { currentStep, steps, endsAt } = challenge;
  return (
    <section className="card" key={currentStep}>
      <Heading>{stepName(currentStep)}</Heading>
      {order && (
        <p>
          Before {order.amount} {order.currency} go to {order.payee}, we need to be sure that it is you.
        </p>
      )}
      <ol className="steps" aria-label="Steps">
        {steps.map(({ key, done }) => (
          <li key={key} className={done ? "done" : ""} aria-current={key === currentStep ? "step" : undefined}>
            {stepName(key)}
            {done && <span className="unseen"> (done)</span>}
          </li>
        ))}
      </ol>
      <ThisStep challenge={challenge} busy={busy} notice={notice} transfer={transfer} />
      <div className="under">
        <Countdown endsAt={endsAt} onEnd={() => transfer.expire()} />
        <button type="button" className="quiet" onClick={() => transfer.forget()}>
          Cancel
        </button>
      </div>
    </section>
  );
}

function ThisStep({ challenge, busy, notice, transfer }: Omit<Props, "order">) {
  const way = codeWay(challenge.currentStep);
  if (!way) {
    return (
      <p className="waiting" role="status">
        Somebody is looking at it. You can leave this page open: it goes on by itself.
      </p>
    );
  }
  if (!challenge.codeSent) {
    return (
      <>
        <p className="notice" role="status">
          {notice}
        </p>
        <button type="button" className="primary" disabled={busy} onClick={() => void transfer.sendCode()}>
          {busy ? "Sending…" : "Send me a code"}
        </button>
      </>
    );
  }
  return (
    <CodeField
      label={`Code from the ${way}`}
      busy={busy}
      notice={notice}
      action="Confirm"
      onCode={(code) => transfer.checkCode(code)}
      onResend={() => transfer.resendCode()}
    />
  );
}
