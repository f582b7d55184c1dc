//! Policy files: read with their positions, checked whole, compiled into a pure and total matcher.
//!
//! The way of a bundle: [`source`] reads files as text, [`yaml`] turns each into a tree that keeps positions and source
//! text, [`reader`] walks it and notes every fault, the `read` modules build typed values ([`steps`], [`schema`],
//! [`condition`], [`outcome`], [`rules`], [`scope_file`]), [`laws`] holds the rules of a file against each other,
//! [`bundle`] puts it all together, and [`matcher`] decides. `docs/POLICIES.md` is the language for its readers.

mod addresses;
mod bundle;
mod calendar;
mod condition;
mod diagnostic;
mod laws;
mod lists;
mod literal;
mod matcher;
mod outcome;
mod reader;
mod rules;
#[cfg(test)]
mod sample;
mod schema;
mod scope_file;
mod seen;
mod shipped;
mod source;
mod steps;
mod suggest;
mod yaml;

pub(crate) use bundle::{Bundle, load_dir, load_files};
pub(crate) use diagnostic::Diagnostics;
pub(crate) use shipped::shipped;
pub(crate) use steps::CustomStep;
#[cfg(test)]
pub(crate) use {
    diagnostic::{Code, Severity},
    source::split_canonical,
};
