import { Heading } from "./Heading";
import type { Ending } from "./state";

interface Props {
  ending: Ending;
  onAgain: () => Promise<void>;
  onNew: () => void;
}

// How it ended.
export function Outcome({ ending, onAgain, onNew }: Props) {
  const { mark, title, text } = tell(ending);
  return (
    <section className={`card outcome ${mark}`} key={ending.kind} data-ending={ending.kind}>
      <Heading>{title}</Heading>
      <p>{text}</p>
      <div className="buttons">
        {ending.kind === "expired" && (
          <button type="button" className="primary" onClick={() => void onAgain()}>
            Ask again
          </button>
        )}
        <button type="button" className={ending.kind === "expired" ? "quiet" : "primary"} onClick={onNew}>
          Another transfer
        </button>
      </div>
    </section>
  );
}

function tell(ending: Ending): { mark: "good" | "bad"; title: string; text: string } {
  switch (ending.kind) {
    case "executed": {
      const { amount, currency, payee } = ending.receipt;
      return { mark: "good", title: "Sent", text: `${amount} ${currency} are on their way to ${payee}.` };
    }
    case "blocked":
      return { mark: "bad", title: "Not possible", text: ending.message ?? "This cannot be done." };
    case "rejected":
      return { mark: "bad", title: "Not confirmed", text: "The identity check was not passed. Nothing was sent." };
    case "expired":
      return { mark: "bad", title: "Out of time", text: "The time for this step is over. Nothing was sent." };
    case "failed":
      return { mark: "bad", title: "Nothing was sent", text: ending.message };
  }
}
