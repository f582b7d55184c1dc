import { useId, useRef } from "react";

interface Props {
  label: string;
  busy: boolean;
  notice: string | null;
  action: string;
  onCode: (code: string) => Promise<void>;
  onResend: () => Promise<void>;
}

// Where a code that was sent is typed in.
export function CodeField({ label, busy, notice, action, onCode, onResend }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const code = field.current?.value.replaceAll(/\s/g, "") ?? "";
    if (!code) return;
    await onCode(code);
    field.current?.select();
  };
  return (
    <form onSubmit={submit} noValidate>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        ref={field}
        className="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={12}
        required
        aria-describedby={`${id}-notice`}
      />
      <p id={`${id}-notice`} className="notice" role="status">
        {notice}
      </p>
      <div className="buttons">
        <button className="primary" disabled={busy}>
          {action}
        </button>
        <button type="button" className="quiet" disabled={busy} onClick={() => void onResend()}>
          Send a new code
        </button>
      </div>
    </form>
  );
}
