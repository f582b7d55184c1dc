import { useState } from "react";
import { CodeField } from "./CodeField";
import { Heading } from "./Heading";
import { client } from "./prelude";
import { words } from "./words";

export function SignIn({ onSignedIn }: { onSignedIn: () => Promise<void> }) {
  const [phone, setPhone] = useState("");
  const [isSent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [notice, setNotice] = useState<string | null>(null);

  const doing = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setNotice(null);
    try {
      await work();
    } catch (error) {
      const isWrong = error instanceof Error && error.name === "BadRequestError";
      setNotice(isWrong ? (isSent ? "That code is not right." : "That is not a phone number.") : words(error));
    }
    setBusy(false);
  };

  const start = (event: React.FormEvent) => {
    event.preventDefault();
    void doing(async () => {
      await client.startOTPLogin({ identifier: { type: "phone_number", value: phone.replaceAll(/[\s()-]/g, "") } });
      setSent(true);
    });
  };
  const check = (code: string) =>
    doing(async () => {
      await client.checkOTP(code);
      await onSignedIn();
    });
  const resend = () =>
    doing(async () => {
      await client.retryOTP();
      setNotice("A new code is on its way.");
    });

  if (isSent) {
    return (
      <section className="card" key="code">
        <Heading>Enter your code</Heading>
        <p>We sent it to {phone}.</p>
        <CodeField label="Code" busy={busy} notice={notice} action="Sign in" onCode={check} onResend={resend} />
      </section>
    );
  }
  return (
    <section className="card" key="phone">
      <Heading>Sign in</Heading>
      <form onSubmit={start}>
        <label htmlFor="phone">Phone number</label>
        <input
          id="phone"
          type="tel"
          autoComplete="tel"
          placeholder="+33 6 12 34 56 78"
          required
          value={phone}
          onChange={(event) => setPhone(event.target.value)}
          aria-describedby="phone-notice"
        />
        <p id="phone-notice" className="notice" role="status">
          {notice}
        </p>
        <button className="primary" disabled={busy}>
          Send me a code
        </button>
      </form>
    </section>
  );
}
