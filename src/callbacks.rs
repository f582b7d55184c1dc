//! What identity-check providers say by webhook: whether it is theirs, and what it means.
//!
//! The room is pure: headers, bytes and the time in, an event out. A scheme is two pieces of data, how it signs
//! (`signing`) and what its words mean (`meaning`), so that the same few lines verify and read all of them. The raw bytes
//! are verified before anything in them is parsed, and nothing but a final approval is ever an approval.

mod document;
mod meaning;
mod schemes;
mod signing;
mod source;

pub(crate) use source::{CallbackFault, Providers, Source};

#[cfg(test)]
pub(crate) use fixtures::example;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
