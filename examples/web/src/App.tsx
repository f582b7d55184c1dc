import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { Events } from "./Events";
import { Outcome } from "./Outcome";
import { client, config, currentSession, refreshedSession, type Session } from "./prelude";
import { SessionPanel } from "./SessionPanel";
import { SignIn } from "./SignIn";
import { Steps } from "./Steps";
import { Transfer } from "./transfer";
import { TransferForm } from "./TransferForm";
import { Untrusted } from "./Untrusted";

const transfer = new Transfer();

type SignedIn = Session | null | "reading" | "unreachable";

export function App() {
  const [session, setSession] = useState<SignedIn>("reading");
  const state = useSyncExternalStore(transfer.subscribe, transfer.state);

  const read = useCallback(async () => {
    setSession(await currentSession().catch(() => null));
  }, []);

  useEffect(() => {
    void (async () => {
      if (!(await isReachable())) return setSession("unreachable");
      await read();
      transfer.resume();
    })();
  }, [read]);

  // The SDK refreshes the session when a challenge is completed: show what the token carries now.
  useEffect(() => {
    if (state.granted || state.ending) void read();
  }, [state.granted, state.ending, read]);

  if (session === "reading") return <Frame>{null}</Frame>;
  if (session === "unreachable") return <Frame><Untrusted domain={config.session_domain} /></Frame>;
  if (session === null) return <Frame><SignIn onSignedIn={read} /></Frame>;

  const signOut = async () => {
    transfer.forget();
    await client.logout();
    setSession(null);
  };
  const refresh = async () => setSession(await refreshedSession());

  return (
    <Frame
      aside={
        <>
          <SessionPanel session={session} onRefresh={refresh} onSignOut={signOut} />
          <Events events={state.events} />
        </>
      }
    >
      {state.ending ? (
        <Outcome ending={state.ending} onAgain={() => transfer.askAgain()} onNew={() => transfer.forget()} />
      ) : state.challenge ? (
        <Steps challenge={state.challenge} order={state.order} busy={state.busy} notice={state.notice} transfer={transfer} />
      ) : (
        <TransferForm busy={state.busy} onSubmit={(order) => transfer.ask(order)} />
      )}
    </Frame>
  );
}

function Frame({ children, aside }: { children: React.ReactNode; aside?: React.ReactNode }) {
  return (
    <div className={aside ? "page wide" : "page"}>
      <header>
        <img src="/door.svg" alt="" width="32" height="32" />
        <p>Example Bank</p>
      </header>
      <main>{children}</main>
      {aside && <aside aria-label="What happens behind the page">{aside}</aside>}
      <footer>Prelude’s SDK in this page, Doorstep behind it. No money moves.</footer>
    </div>
  );
}

// A throw-away certificate that the browser does not trust looks like a server that is not there.
async function isReachable(): Promise<boolean> {
  try {
    await fetch(`https://${config.session_domain}/.well-known/jwks.json`);
    return true;
  } catch {
    return false;
  }
}
