//! Every option as a row, for the reference page and for help.

use super::option::Absent;
use super::options;
use super::source::variable;

/// One option, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReferenceRow {
    /// Its path, such as `server.bind`.
    pub(crate) key: &'static str,
    /// The environment variable that sets it.
    pub(crate) variable: String,
    /// Its type and bounds.
    pub(crate) kind: String,
    /// What holds when nobody sets it.
    pub(crate) default: String,
    /// What it is for.
    pub(crate) doc: &'static str,
}

/// Lists every option, section by section.
pub(crate) fn reference() -> Vec<ReferenceRow> {
    let row = |option: &'static dyn super::option::AnyOption| ReferenceRow {
        key: option.key(),
        variable: variable(option.key()),
        kind: option.describe(),
        default: match option.absent() {
            Absent::Default(text) => format!("`{text}`"),
            Absent::Required { .. } => "none: must be set".to_owned(),
            Absent::Otherwise { words, .. } => words.to_owned(),
        },
        doc: option.doc(),
    };
    options::all().map(row).collect()
}

#[cfg(test)]
mod tests;
