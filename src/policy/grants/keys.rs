//! The keys of `grants.yaml`.

use crate::policy::grammar::{Key, Shape, Table};

/// Whether executions are reported.
pub(super) const EXECUTIONS: [&str; 2] = ["reported", "unreported"];

/// The file.
pub(crate) static GRANTS: Table = Table::new(
    "grants",
    "grants.yaml",
    "What becomes of grants.",
    &[&[Key::required(
        "executions",
        Shape::Words(&EXECUTIONS),
        "`reported`: your service redeems every grant with Doorstep before it executes what was granted. `unreported`, as \
         without this file: every continue and review counts as if it were used, and nothing can ask what was executed.",
    )]],
);
