//! Large bundles, written to disk.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::contender::scope_files;
use crate::fault::{Outcome, While as _};

/// A bundle, and what it may take to load it.
pub(crate) struct Bundle {
    /// What it is, in the table.
    pub(crate) what: &'static str,
    /// The name of its directory.
    pub(crate) directory: &'static str,
    /// The most milliseconds of processor time.
    pub(crate) ms_max: Option<u32>,
    /// The most MiB at peak.
    pub(crate) mib_max: Option<u32>,
    files: fn() -> Vec<(String, String)>,
}

impl Bundle {
    /// Writes the files.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub(crate) fn write(&self, directory: &Path) -> Outcome<()> {
        fs::create_dir_all(directory.join("lists")).doing("making a directory")?;
        for (name, text) in (self.files)() {
            fs::write(directory.join(name), text).doing("writing a policy file")?;
        }
        Ok(())
    }
}

/// Every bundle that is measured.
pub(crate) fn all() -> Vec<Bundle> {
    vec![
        Bundle {
            what: "one scope file of 20 rules",
            directory: "small",
            ms_max: None,
            mib_max: None,
            files: || scope_files(1),
        },
        Bundle {
            what: "20,000 rules, 1,000 scopes",
            directory: "scopes",
            ms_max: Some(2_000),
            mib_max: Some(300),
            files: || scope_files(1_000),
        },
        Bundle {
            what: "2,000 rules in one file, 1,000 of them for one platform continue above 1,000 that block",
            directory: "rules",
            ms_max: Some(2_000),
            mib_max: Some(300),
            files: long_file,
        },
        Bundle {
            what: "a list of 1,000,000 texts",
            directory: "texts",
            ms_max: Some(1_000),
            mib_max: Some(100),
            files: || listed("user_id", 1_000_000, |text, at| _ = writeln!(text, "usr_{:09}", at * 7)),
        },
        Bundle {
            what: "a list of 1,000,000 addresses",
            directory: "addresses",
            ms_max: Some(1_000),
            mib_max: Some(100),
            files: || listed("signals.ip", 1_000_000, address),
        },
    ]
}

/// Every continue stands above every block, and each pair excludes each other by the amount: a million proofs. A continue is for
/// one platform: what requests from the others reach instead is searched among all rules below it.
fn long_file() -> Vec<(String, String)> {
    let mut text = String::from(
        "scopes: [transfer:write]\nmetadata:\n  amount: { type: decimal }\n  note: { type: string, optional: true }\nrules:\n",
    );
    for at in 0..1_000 {
        let (from, to) = (at * 10, at * 10 + 5);
        _ = writeln!(
            text,
            "  - id: small-{at}\n    when: {{ metadata.amount: {{ gte: {from}, lt: {to} }}, signals.platform: {{ eq: WEB }} }}\n    \
             then: {{ continue: {{ grant: {{ mode: single-use, for: 5m }} }} }}"
        );
    }
    for at in 0..1_000 {
        let (from, to) = (at * 10 + 5, at * 10 + 10);
        _ = writeln!(
            text,
            "  - id: large-{at}\n    when: {{ metadata.amount: {{ gte: {from}, lt: {to} }}, metadata.note: {{ contains: x }} }}\n    \
             if_absent: match\n    then: block"
        );
    }
    text.push_str("otherwise: block\n");
    vec![("transfer.yaml".to_owned(), text)]
}

/// A bundle whose only rule looks into a list.
fn listed(field: &str, entries: u32, write: fn(&mut String, u32)) -> Vec<(String, String)> {
    let scope = format!(
        "scopes: [transfer:write]\nrules:\n  - {{ id: listed, when: {{ {field}: {{ in_list: long }} }}, then: block }}\notherwise: block\n"
    );
    let mut list = String::new();
    (0..entries).for_each(|at| write(&mut list, at));
    vec![("transfer.yaml".to_owned(), scope), ("lists/long.txt".to_owned(), list)]
}

/// Single addresses, every eighth one of version 6, none beside another.
fn address(text: &mut String, at: u32) {
    if at.is_multiple_of(8) {
        _ = writeln!(text, "2001:db8:{:x}:{:x}::1", at >> 16, at & 0xffff);
    } else {
        _ = writeln!(text, "{}", std::net::Ipv4Addr::from(0x0b00_0000 + at * 3));
    }
}
