//! What goes wrong in a measure: one sentence for whoever reads it.

use std::fmt;

/// Why a measure gave no figure.
#[derive(Debug)]
pub(crate) struct Fault(String);

/// What a step of a measure gives.
pub(crate) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// Makes a fault from a sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// Says what was being done when something failed.
pub(crate) trait While<T> {
    /// Turns the failure into a [`Fault`] that begins with `doing`.
    fn doing(self, doing: &str) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn doing(self, doing: &str) -> Outcome<T> {
        self.map_err(|cause| Fault(format!("{doing}: {cause}")))
    }
}
