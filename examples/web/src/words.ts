// What went wrong, in words for the user. Prelude's SDK tells its errors apart by name.

import { BackendError } from "./backend";

const BY_NAME: Record<string, string> = {
  ScopeNotAllowedError: "This app may not ask for that.",
  StepUpNotConfiguredError: "This app may not ask for that.",
  TokenReusedError: "This proof was used before. Please ask again.",
  TokenMismatchError: "This proof belongs to something else. Please ask again.",
  StepBypassedError: "This step is not the next one. Please ask again.",
  InvalidVerificationTokenError: "The proof of this step was not accepted. Please ask again.",
  InvalidChallengeTokenError: "This request is not known any more. Please ask again.",
  InvalidMetadataError: "Something in this form cannot be sent.",
  RateLimitedError: "Too many tries. Please wait a moment.",
  UnauthorizedError: "Please sign in again.",
};

const BY_CODE: Record<string, string> = {
  differs: "What was granted is not what should be executed, so nothing was sent.",
  already_redeemed: "This was executed before.",
  not_granted: "This was not granted, or not any more.",
  scope_paused: "Transfers are paused at the moment.",
  not_signed_in: "Please sign in again.",
};

export function words(error: unknown): string {
  if (error instanceof BackendError) return BY_CODE[error.code] ?? error.message;
  if (error instanceof TypeError) return "There is no connection. Please try again.";
  return (error instanceof Error && BY_NAME[error.name]) || "That did not work. Please ask again.";
}

// The challenge is over: the SDK forgot its token, or Prelude says so.
export const isExpired = (error: unknown): boolean =>
  error instanceof Error && ["ExpiredChallengeTokenError", "MissingChallengeTokenError"].includes(error.name);
