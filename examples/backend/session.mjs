// Who calls: Prelude's access token, verified with the keys of whoever issued it.

import { createRemoteJWKSet, jwtVerify } from "jose";
import { settings } from "./settings.mjs";

const keys = createRemoteJWKSet(new URL(`https://${settings.sessionDomain}/.well-known/jwks.json`));

export class NotSignedIn extends Error {}

// Verifies the request's access token: { userId, scopes }. Prelude's tokens name their issuer with or without a scheme.
export async function userOf(request) {
  const [kind, token] = (request.headers.authorization ?? "").split(" ");
  if (kind !== "Bearer" || !token) throw new NotSignedIn("no access token");
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: [settings.issuer, `https://${settings.issuer}`],
      requiredClaims: ["sub", "exp"],
      clockTolerance: 5,
    });
    return { userId: payload.sub, scopes: scopesOf(payload) };
  } catch (error) {
    throw new NotSignedIn(error.message, { cause: error });
  }
}

// A list, or one text with spaces between (RFC 9068 section 2.2.3).
function scopesOf({ scopes, scope }) {
  const granted = scopes ?? scope ?? [];
  return Array.isArray(granted) ? granted : granted.split(" ").filter(Boolean);
}
