// What the backend must be told, from the environment. Nothing has a default that could be wrong silently.

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const settings = {
  // Where to listen; 0 is a free port. Loopback only: the officer's page below asks nobody who they are.
  port: Number(process.env.PORT ?? 0),
  // Where certificate and key are, PEM. Prelude's cookies reach it from a page of the same site only, in many browsers, and
  // http and https are two sites: so the page is served over https on a laptop too. Elsewhere a proxy does that.
  tls: { certificateFile: process.env.TLS_CERTIFICATE_FILE, keyFile: process.env.TLS_KEY_FILE },
  // Doorstep, and what this backend presents to it: roles opener, minter, executor and reader.
  doorstepUrl: required("DOORSTEP_URL"),
  doorstepKey: required("DOORSTEP_KEY"),
  // The officer's own key: role approver, approving as a person. Whoever opens a check must not approve it.
  officerKey: required("DOORSTEP_OFFICER_KEY"),
  // Where Prelude's session API is: `<app id>.session.prelude.dev`, or your own session domain.
  sessionDomain: required("PRELUDE_SESSION_DOMAIN"),
  // Who issues its access tokens: the same host, unless Prelude is an emulator on this machine.
  issuer: process.env.PRELUDE_ISSUER ?? process.env.PRELUDE_SESSION_DOMAIN,
  // The scope that a transfer needs.
  scope: process.env.TRANSFER_SCOPE ?? "transfer:write",
  // The built page.
  pageDirectory: required("PAGE_DIRECTORY"),
  // What the page tells whoever tries it out.
  hint: process.env.PAGE_HINT ?? "",
};
