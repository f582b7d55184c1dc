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
        "`reported`: your service redeems every grant with Doorstep before it acts on it. `unreported`, as without this \
         file: every continue and review is taken for executed, as late as it could have been, and no condition can ask \
         what was executed.",
    )]],
);
