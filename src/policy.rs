//! Policy files: read with their positions, checked whole, compiled into a pure and total matcher.
//!
//! The way of a bundle: [`folder`] reads files as text, [`yaml`] turns each into a tree that keeps positions and source
//! text, [`reader`] walks it and notes every fault, the `read` modules build typed values ([`steps`], [`schema`],
//! [`condition`], [`outcome`], [`rules`], [`scope_file`]), [`laws`] holds the rules of a file against each other,
//! [`bundle`] puts it all together, and [`matcher`] decides, with the fraud desk's word laid over the lists
//! ([`desk`]). [`suite`] runs a bundle's tests through the same code, and [`trace`] and [`explain`] tell from a record how a
//! decision came about. [`grammar`] has every key with its text and shape, for the readers, for editors and for
//! `docs/POLICIES.md`, which is the language for its readers.

mod addresses;
mod bundle;
mod calendar;
mod condition;
mod desk;
mod diagnostic;
mod difference;
mod explain;
mod folder;
mod given;
mod grammar;
mod grants;
mod laws;
mod lists;
mod literal;
mod load;
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

pub(crate) use bundle::Bundle;
pub(crate) use calendar::end_of_day;
pub(crate) use desk::{DeskMisfits, DeskOverlay, EntryShown, EntryState, ListShown};
pub(crate) use diagnostic::{Code, Diagnostics, Severity};
pub(crate) use difference::Difference;
pub(crate) use explain::{Explanation, Told};
pub(crate) use folder::{Fingerprint, fingerprint};
pub(crate) use given::read_given;
pub(crate) use grammar::{FileKind, json_schema};
pub(crate) use load::{load_dir, load_dir_in_force, load_files, load_recorded, reload_dir};
pub(crate) use request::{read_request, read_request_at};
pub(crate) use shipped::shipped;
pub(crate) use steps::CustomStep;
pub(crate) use suite::Suite;
