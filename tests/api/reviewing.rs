//! A policy that reviews every transfer: a code, then an identity check.

use crate::bench::{Bench, transfer};

const TRANSFER: &str = "scopes: [transfer:write]
description: Always an identity check.
metadata:
  amount: { type: string }
  currency: { type: string }
  payee: { type: string }
rules:
  - id: always-checked
    when: always
    then:
      review:
        grant: { mode: single-use, for: 5m }
        steps: [{ first_of: [verify_sms], expires_in: 10m }, kyc_review]
        else: block
otherwise: block
";

/// The policy's files.
///
/// - `steps`: the text of `steps.yaml`, with a step `kyc_review`.
pub(crate) const fn reviewing(steps: &str) -> [(&str, &str); 2] {
    [("steps.yaml", steps), ("transfer.yaml", TRANSFER)]
}

impl Bench {
    /// Asks for a transfer of the user's, which is reviewed.
    pub(crate) async fn review(&self, user: &str) {
        assert_eq!(self.call(&transfer(user, "15000")).await.json()["status"], "review");
    }
}
