//! Policy files: read with their positions, checked whole, compiled into a pure and total matcher.
//!
//! The way of a bundle: [`source`] reads files as text, [`yaml`] turns each into a tree that keeps positions and source
//! text, [`reader`] walks it and notes every fault, the `read` modules build typed values ([`steps`], [`schema`],
//! [`condition`], [`outcome`], [`rules`], [`scope_file`]), [`laws`] holds the rules of a file against each other,
//! [`bundle`] puts it all together, and [`matcher`] decides. [`suite`] runs a bundle's tests through the same code, and
//! [`trace`] and [`explain`] tell from a record how a decision came about. `docs/POLICIES.md` is the language for its readers.

mod addresses;
mod bundle;
mod calendar;
mod condition;
mod diagnostic;
mod explain;
mod grants;
mod laws;
mod lists;
mod literal;
mod matcher;
mod outcome;
mod rates;
mod reader;
mod request;
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
mod suite;
mod trace;
mod yaml;

pub(crate) use bundle::{Bundle, load_dir, load_files, load_recorded};
#[cfg(test)]
pub(crate) use diagnostic::Code;
pub(crate) use diagnostic::{Diagnostics, Severity};
pub(crate) use explain::{Explanation, Told};
pub(crate) use request::read_request;
pub(crate) use shipped::shipped;
pub(crate) use steps::CustomStep;
pub(crate) use suite::Suite;
