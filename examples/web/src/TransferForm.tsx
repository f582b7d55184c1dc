import type { Order } from "./backend";
import { Heading } from "./Heading";
import { config } from "./prelude";

// What is asked for: `?scope=…` in the address asks for another scope, to see what Prelude says to it.
const scope = new URLSearchParams(location.search).get("scope") ?? config.scope;

export function TransferForm({ busy, onSubmit }: { busy: boolean; onSubmit: (order: Order) => Promise<void> }) {
  const submit = (event: React.FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? "").trim();
    void onSubmit({
      id: crypto.randomUUID(),
      scope,
      amount: field("amount").replace(",", "."),
      currency: field("currency"),
      payee: field("payee").replaceAll(/\s/g, "").toUpperCase(),
    });
  };
  return (
    <section className="card">
      <Heading>Send money</Heading>
      <form onSubmit={submit}>
        <div className="row">
          <div className="grow">
            <label htmlFor="amount">Amount</label>
            <input id="amount" name="amount" inputMode="decimal" autoComplete="off" placeholder="20.00" required maxLength={16} />
          </div>
          <div>
            <label htmlFor="currency">Currency</label>
            <select id="currency" name="currency" defaultValue="EUR">
              <option>EUR</option>
              <option>USD</option>
              <option>GBP</option>
            </select>
          </div>
        </div>
        <label htmlFor="payee">To the account</label>
        <input id="payee" name="payee" autoComplete="off" placeholder="DE89 3704 0044 0532 0130 00" required maxLength={40} />
        <button className="primary" disabled={busy}>
          {busy ? "Asking…" : "Send"}
        </button>
      </form>
      {config.hint && <p className="hint">{config.hint}</p>}
    </section>
  );
}
