import type { StepUpChallengeInfo } from "@prelude.so/js-sdk/session";

// What the SDK's `onChallenge` told, oldest first.
export function Events({ events }: { events: StepUpChallengeInfo[] }) {
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title">
        <code>onChallenge</code>
      </h2>
      {events.length === 0 && <p className="none">not called yet</p>}
      <ol className="events">
        {events.map(({ currentStep, scopeRequested, steps }, at) => (
          <li key={at} data-current={currentStep}>
            <strong>{currentStep}</strong> for {scopeRequested}
            <span className="marks">
              {steps.map(({ key, done }) => (
                <span key={key} className={done ? "done" : ""}>
                  {key} {done ? "✓" : "…"}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
