import type { Session } from "./prelude";

interface Props {
  session: Session;
  onRefresh: () => Promise<void>;
  onSignOut: () => Promise<void>;
}

// What the access token carries: a granted scope appears here, and is gone after the next refresh when it was for one use.
export function SessionPanel({ session, onRefresh, onSignOut }: Props) {
  return (
    <section aria-labelledby="session-title">
      <h2 id="session-title">Your session</h2>
      <dl>
        <dt>User</dt>
        <dd>
          <code>{session.userId}</code>
        </dd>
        <dt>Granted scopes</dt>
        <dd>
          <ul className="scopes" aria-label="Granted scopes">
            {session.scopes.map((scope) => (
              <li key={scope}>{scope}</li>
            ))}
          </ul>
          {session.scopes.length === 0 && <span className="none">none</span>}
        </dd>
      </dl>
      <div className="buttons">
        <button type="button" className="quiet" onClick={() => void onRefresh()}>
          Refresh
        </button>
        <button type="button" className="quiet" onClick={() => void onSignOut()}>
          Sign out
        </button>
      </div>
    </section>
  );
}
