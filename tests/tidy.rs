//! The constitution of the house, as a test.
//!
//! Each test is one law. It reads the sources and the papers as text, and lists everything that breaks the law with its
//! file and line. What clippy can hold is in `clippy.toml` and in the lints of `Cargo.toml`; here is the rest. A law is
//! changed by a decision record, a wall or a door by its row in `docs/ARCHITECTURE.md`.
//!
//! `tidy/planted.rs` plants offences of every kind and sees that they are found.

#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/papers.rs"]
mod papers;
#[path = "tidy/planted.rs"]
mod planted;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/source.rs"]
mod source;

use house::House;

fn hold(law: fn(&House) -> Vec<String>) -> std::io::Result<()> {
    let offences = law(&House::open()?);
    assert!(offences.is_empty(), "{} offences:\n{}\n", offences.len(), offences.join("\n"));
    Ok(())
}

/// Declares laws: a test a line, its comment the law.
macro_rules! laws {
    ($($(#[doc = $law:literal])+ $name:ident: $check:path;)+) => {
        $($(#[doc = $law])+ #[test] fn $name() -> std::io::Result<()> { hold($check) })+
    };
}

laws! {
    /// The rooms are the rows of the two tables, and the tables name nothing that is not there.
    the_picture_is_the_house: rooms::tables_agree;

    /// A room imports another through a door of the table, and passes nothing on.
    rooms_import_through_doors: rooms::doors_are_kept;

    /// What others wrote is named only in the rooms that the table of walls gives it.
    crates_stay_behind_their_walls: rooms::walls_are_kept;

    /// No file of code has more than 400 lines.
    files_are_short: files::files_are_short;

    /// No `mod.rs`, and no name that fits everything.
    names_say_something: files::names_say_something;

    /// No source lies in the tree without being compiled.
    every_source_is_declared: files::files_are_declared;

    /// No note to self, no stub, no test that is not run, no sleep.
    nothing_is_left_for_later: files::nothing_is_left_for_later;

    /// The repository stands alone.
    nothing_points_outside: files::nothing_points_outside;

    /// Decision records are numbered without gaps and have their four parts.
    decisions_are_whole: papers::decisions_are_whole;

    /// A dependency is a decision.
    dependencies_are_decided: papers::dependencies_are_decided;

    /// A ban or an exception says since when.
    reasons_are_dated: papers::reasons_are_dated;

    /// A cited page or clause is there to be read.
    citations_lead_somewhere: papers::citations_lead_somewhere;

    /// A test that a page cites is there.
    cited_tests_exist: papers::cited_tests_exist;

    /// What we assume of Prelude says how it is checked.
    clauses_are_checked: papers::clauses_are_checked;
}
