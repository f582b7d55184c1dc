//! What Prelude walks and the emulator does not: passkey steps, of whose calls nothing is known here, and scopes in mode `managed`.

use super::super::answer::{Answer, AskedStep, PASSKEY};
use super::super::site::Fault;
use super::Decision;

/// What becomes of a step-up that the emulator cannot walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwalkable {
    /// A configuration with it is refused, and so is an answer of the hook: nobody is left before a step without a way on.
    Refused,
    /// It is taken, as Prelude takes it, and refused where it would be walked.
    Taken,
}

impl Unwalkable {
    /// Judges a scope's entry.
    ///
    /// # Errors
    /// `bad_request`.
    pub(super) fn judge(self, scope: &str, decision: &Decision) -> Result<(), Fault> {
        let refused = |what: &str| Err(Fault::bad_request(format!("{scope}: {what}; {WAY_OUT}")));
        match (self, decision) {
            (Self::Refused, Decision::Managed) => {
                refused("the emulator does not walk scopes in mode managed")
            }
            (Self::Refused, Decision::Direct { steps, .. }) if has_passkey(steps) => {
                refused("the emulator does not walk verify_passkey")
            }
            _ => Ok(()),
        }
    }

    /// Judges what the hook, or the configuration, answered.
    ///
    /// # Errors
    /// `not_configured`.
    pub(in crate::emulator) fn judge_steps(self, answer: &Answer) -> Result<(), Fault> {
        match (self, answer) {
            (Self::Refused, Answer::Review(_, steps)) if has_passkey(steps) => {
                let rule = format!(
                    "the answer asks for verify_passkey, which the emulator does not walk; {WAY_OUT}"
                );
                Err(Fault::new(400, "not_configured", rule))
            }
            _ => Ok(()),
        }
    }
}

/// Where this is read the switch of the command is known by its name.
const WAY_OUT: &str = "with --unwalkable take it is taken, and refused where it would be walked";

fn has_passkey(steps: &[AskedStep]) -> bool {
    steps.iter().any(|step| step.key == PASSKEY)
}
