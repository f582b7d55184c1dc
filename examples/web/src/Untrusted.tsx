import { Heading } from "./Heading";

export function Untrusted({ domain }: { domain: string }) {
  return (
    <section className="card">
      <Heading>One moment</Heading>
      <p>
        Prelude’s side cannot be reached at <code>{domain}</code>. In the demonstration it has a throw-away certificate that
        your browser does not know yet.
      </p>
      <p>
        Open <a href={`https://${domain}/`}>https://{domain}/</a>, accept the certificate there, and come back.
      </p>
      <button type="button" className="primary" onClick={() => location.reload()}>
        Try again
      </button>
    </section>
  );
}
