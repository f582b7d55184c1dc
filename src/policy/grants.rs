//! `grants.yaml`, and what else the files of a bundle tell each other for questions about the past.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::schema::read::ReadSchema;
use super::yaml::Node;
use crate::domain::{Executions, Scope};
use keys::{EXECUTIONS, GRANTS};

pub(crate) mod keys;

/// What a file's questions about the past must know of the other files.
#[derive(Debug)]
pub(crate) struct Neighbours<'s> {
    /// What the page may send for each scope of the bundle.
    pub(crate) schemas: BTreeMap<Scope, &'s ReadSchema>,
    /// Whether there may be more scopes: a file that is not YAML hides its own.
    pub(crate) knowledge: Knowledge,
    /// Whether executions are reported.
    pub(crate) executions: Executions,
}

/// How much is known of the other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// Everything.
    Whole,
    /// Not what stands in files that cannot be read.
    Partial,
}

/// Reads `grants.yaml`. A file with a fault counts as one that reports executions: its conditions are not complained about.
pub(crate) fn grants(reader: &mut Reader<'_>, root: &Node) -> Executions {
    let what = "`grants.yaml`";
    let map = reader.closed_map(root, what, &GRANTS);
    let node = map.and_then(|map| reader.required(&map, "executions", what));
    match node.and_then(|node| reader.word(node, "`executions`", &EXECUTIONS)) {
        Some("unreported") => Executions::Unreported,
        _ => Executions::Reported,
    }
}
