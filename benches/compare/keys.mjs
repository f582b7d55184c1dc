// Prelude's key set: fetched at the start, every ten minutes, and when a call names a key that is not in it.

import { createPublicKey } from "node:crypto";

const FETCH_TIMEOUT_MS = 5_000;
const REFRESH_MS = 600_000;
/** Anybody can name any key: no more than one fetch in so long. */
const REFETCH_EVERY_MS = 5_000;

/** Opens the key set at `url`. Throws where it cannot be fetched at the start. */
export async function openKeySet(url) {
  let keys = new Map();
  let fetchedAt = 0;
  let underWay;

  async function fetchOnce() {
    fetchedAt = Date.now();
    const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`the key set answered ${answer.status}`);
    const { keys: listed } = await answer.json();
    const signing = listed.filter((jwk) => jwk.kty === "RSA" && typeof jwk.kid === "string");
    keys = new Map(signing.map((jwk) => [jwk.kid, readKey(jwk)]));
  }

  // One at a time, for all who want it.
  const refetch = () => (underWay ??= fetchOnce().finally(() => (underWay = undefined)));

  await refetch();
  // A set that is there outlives a fetch that fails.
  setInterval(() => refetch().catch(() => {}), REFRESH_MS).unref();

  return {
    /** The key of that name, or undefined. */
    async find(kid) {
      if (!keys.has(kid) && (underWay || Date.now() - fetchedAt >= REFETCH_EVERY_MS)) await refetch().catch(() => {});
      return keys.get(kid);
    },
  };
}

function readKey(jwk) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const bytes = key.asymmetricKeyDetails.modulusLength / 8;
  // Which of the two salt lengths a signer uses is not documented: the digest's, or the longest that fits.
  return { key, saltLengths: [32, bytes - 32 - 2] };
}
