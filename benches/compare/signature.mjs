// RSASSA-PSS with SHA-256 over the raw body, as Prelude signs its hook calls.

import { constants, verify } from "node:crypto";

const PREFIX = "rsassa-pss-sha256=";

/** Whether `header` is a signature of `raw` under one of the key's salt lengths. */
export function isSigned(raw, header, { key, saltLengths }) {
  if (typeof header !== "string") return false;
  const signature = Buffer.from(header.startsWith(PREFIX) ? header.slice(PREFIX.length) : header, "base64url");
  return saltLengths.some((saltLength) =>
    verify("sha256", raw, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature),
  );
}
