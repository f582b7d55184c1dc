//! Plants offences, and sees that each law finds them and nothing else.

use crate::house::{ARCHITECTURE, House};
use crate::{files, papers, rooms, source};

const PICTURE: &str = "\
## Rooms

| room | what it is |
|---|---|
| `base` | words |
| `shop` | goods |
| `config` | settings |

## Doors

| room | may import | and must not know |
|---|---|---|
| `base` | – | anything |
| `shop` | `base`, `config` | |
| `config` | `base` | |

## Walls for what others wrote

| path | only in | why |
|---|---|---|
| `sql` | `base` | |
| `config` | `config` | |
| `std::env` | `config` | |
| `std::env::args` | `main`, `shop` | |
| `lock` | `base` | |
| `lock::digest` | any room | |
| `lock::pick` | no room | |
";

const LIB: (&str, &str) = ("src/lib.rs", "mod base;\nmod shop;\nmod config;\n");

/// Judges one more file in a house of three rooms.
fn planted(law: fn(&House) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
    let mut house = vec![(ARCHITECTURE, PICTURE), LIB];
    let rooms = [("src/base.rs", ""), ("src/shop.rs", "mod part;"), ("src/config.rs", "")];
    house.extend(rooms.into_iter().filter(|(room, _)| *room != path));
    house.push((path, text));
    law(&House::of(&house))
}

#[track_caller]
fn finds(law: fn(&House) -> Vec<String>, path: &str, text: &str, expected: &[&str]) {
    assert_eq!(planted(law, path, text), expected, "in {path}:\n{text}");
}

#[test]
fn a_room_without_a_row_is_found() {
    let law = rooms::tables_agree;
    finds(law, "src/base/part.rs", "", &[]);
    let expected =
        ["Rooms", "Doors"].map(|heading| format!("src/attic/x.rs:1: `attic` has no row under \"{heading}\""));
    assert_eq!(planted(law, "src/attic/x.rs", ""), expected);
}

#[test]
fn a_row_without_a_room_is_found() {
    let house = House::of(&[(ARCHITECTURE, PICTURE), ("src/base.rs", ""), ("src/shop.rs", "")]);
    let found = rooms::tables_agree(&house);
    assert_eq!(found.first().map(String::as_str), Some("docs/ARCHITECTURE.md:7: there is no room `config`"));
    assert_eq!(found.len(), 5, "two rows, one door and two walls: {found:#?}");
}

#[test]
fn an_import_through_a_wall_is_found() {
    let law = rooms::doors_are_kept;
    let no_door = ["src/base.rs:1: `base` has no door to `shop`"];
    for text in [
        "use crate::shop::Goods;",
        "pub(crate) use crate::shop::Goods;",
        "use crate::{base::Word, shop};",
        "use crate::shop as s;",
        "use super::shop::Goods;",
        "fn f() -> crate::shop::Goods { g() }",
        "type T = Vec<crate::shop::Goods>;",
        "mod tests { use super::super::shop::Goods; }",
        "mod tests { fn f() { super::super::shop::g(); } }",
        "fn f(x: T) -> u32 { x as crate::shop::Number }",
        "macro_rules! m { () => { $crate::shop::g() } }",
        "#[derive(crate::shop::Trick)] struct S;",
        "const C: char = '\"'; use crate::shop::Goods; const D: char = '\"';",
    ] {
        finds(law, "src/base.rs", text, &no_door);
    }
    finds(
        law,
        "src/base/part.rs",
        "\n\nuse super::super::shop::Goods;",
        &["src/base/part.rs:3: `base` has no door to `shop`"],
    );
    finds(law, "src/shop.rs", "use crate::*;", &["src/shop.rs:1: `crate::*` is no room"]);
    finds(law, "src/shop.rs", "use crate as x;", &["src/shop.rs:1: `crate::` is no room"]);
    finds(
        law,
        "src/shop.rs",
        "pub use crate::base::Word;",
        &["src/shop.rs:1: `shop` passes on what is `base`'s"],
    );
}

#[test]
fn what_goes_through_a_door_is_fine() {
    let law = rooms::doors_are_kept;
    for text in [
        "use crate::base::{self, Word};\npub(crate) use part::Thing;\nmod part;",
        "use crate::{base::Word, shop::part::{A, B as C}};",
        "// use crate::attic::X;\n/* crate::attic /* nested */ crate::attic */\n//! crate::attic::x\n/// [`crate::attic`]",
        "const S: &str = \"crate::attic::x \\\" crate::attic\";",
        "const R: &[u8] = br#\"use crate::attic::x; \" \"#;",
        "mod tests { use super::*; fn f<'a>(x: &'a str) -> char { '\\'' } }",
        "fn f() -> impl Iterator + use<'_> { self::g::<u8>() }",
    ] {
        finds(law, "src/shop.rs", text, &[]);
    }
}

#[test]
fn a_walled_crate_is_found() {
    let law = rooms::walls_are_kept;
    finds(law, "src/base.rs", "use sql::Row; fn f() { sql::query!(x); lock::seal(); }", &[]);
    for (text, path, only) in [
        ("use sql::{Row as R};", "sql::Row", "`base`"),
        ("use sql;", "sql", "`base`"),
        ("use sql::{self};", "sql", "`base`"),
        ("fn f() { ::sql::query(); }", "sql::query", "`base`"),
        ("fn f() -> Vec<::sql::Row> {}", "sql::Row", "`base`"),
        ("#[sql::test] fn f() {}", "sql::test", "`base`"),
        ("#[cfg(test)] mod tests { use sql::Row; }", "sql::Row", "`base`"),
        ("use config::File;", "config::File", "`config`"),
        ("use std::{env, fs};", "std::env", "`config`"),
        ("fn f() { std::env::args(); std::env::var(x); }", "std::env::var", "`config`"),
        ("use lock::{digest, pick};", "lock::pick", "no room"),
        ("use lock::digest::Context; use lock::seal;", "lock::seal", "`base`"),
        ("use lock::digest as d; fn f() { d::hash(); } use lock::seal;", "lock::seal", "`base`"),
    ] {
        finds(law, "src/shop.rs", text, &[&format!("src/shop.rs:1: `{path}` belongs in {only}")]);
    }
    finds(
        law,
        "src/shop.rs",
        "extern crate sql as s;",
        &["src/shop.rs:1: `extern crate` goes round the walls"],
    );
}

#[test]
fn a_room_is_not_taken_for_a_crate_of_its_name() {
    let law = rooms::walls_are_kept;
    finds(law, "src/shop.rs", "use crate::config;\nfn f() -> config::Settings { x.config::<u8>() }", &[]);
    finds(law, "src/shop.rs", "mod config;\nuse config::Part;", &[]);
    finds(law, "src/shop.rs", "use sqlite::sql::x; use nosql::y;", &[]);
    finds(
        law,
        "src/main.rs",
        "fn main() { std::env::args_os(); }",
        &["src/main.rs:1: `std::env::args_os` belongs in `config`"],
    );
}

#[test]
fn a_long_or_badly_named_or_lost_file_is_found() {
    let long = "\n".repeat(files::LINES_MAX + 1);
    finds(files::files_are_short, "tests/x.rs", &long, &["tests/x.rs:401: more than 400 lines"]);
    finds(files::files_are_short, "tests/x.rs", &"\n".repeat(files::LINES_MAX), &[]);
    finds(files::names_say_something, "src/shop/mod.rs", "", &["src/shop/mod.rs:1: `mod` is no name"]);
    finds(files::names_say_something, "tests/common/x.rs", "", &["tests/common/x.rs:1: `common` is no name"]);
    finds(
        files::names_say_something,
        "src/shop.rs",
        "\nmod utils {}",
        &["src/shop.rs:2: `utils` is no name"],
    );
    finds(files::files_are_declared, "src/shop/part.rs", "", &[]);
    finds(
        files::files_are_declared,
        "src/shop/lost.rs",
        "",
        &["src/shop/lost.rs:1: src/shop.rs does not say `mod lost;`"],
    );
}

#[test]
fn what_was_left_for_later_is_found() {
    let law = files::nothing_is_left_for_later;
    let note = concat!("TO", "DO");
    finds(
        law,
        "src/shop.rs",
        &format!("// {note}: more"),
        &[&format!("src/shop.rs:1: `{note}`: do it, or write an issue")],
    );
    finds(law, "src/shop.rs", "fn f() {\n    todo!()\n}", &["src/shop.rs:2: a stub"]);
    finds(
        law,
        "src/shop.rs",
        "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
        &["src/shop.rs:2: a test that is not run"],
    );
    finds(law, "tests/x.rs", "fn f() { std::thread::sleep(d); }", &["tests/x.rs:1: a sleep"]);
    finds(law, "tests/x.rs", "fn f() { tokio::time::sleep(d); }", &["tests/x.rs:1: a sleep in a test"]);
    let inner = "fn f() { time::sleep(d); }\n#[cfg(test)]\nmod tests { fn f() { time::sleep(d); } }\nfn g() { time::sleep(d); }";
    finds(law, "src/shop.rs", inner, &["src/shop.rs:3: a sleep in a test"]);
    finds(
        law,
        "src/shop.rs",
        "// todo!() and #[ignore]\nconst S: &str = \"thread::sleep\"; fn ignore() {}",
        &[],
    );
}

#[test]
fn a_pointer_outside_is_found() {
    let outside = concat!("see ../", "shared/x");
    let found = planted(files::nothing_points_outside, "docs/x.md", outside);
    assert_eq!(found, [concat!("docs/x.md:1: `../", "shared`")]);
}

#[test]
fn a_gap_or_a_missing_part_in_the_decisions_is_found() {
    let whole = "Status: accepted\n## Context\n## Decision\n## Consequences\n";
    let judge = |first: &str, text: &str| {
        papers::decisions_are_whole(&House::of(&[(first, text), ("docs/decisions/0002-b.md", whole)]))
    };
    assert_eq!(judge("docs/decisions/0001-a.md", whole), [""; 0]);
    let gap = judge("docs/decisions/0003-c.md", whole);
    assert_eq!(
        gap.first().map(String::as_str),
        Some("docs/decisions/0003-c.md:1: the next record is 0001-title.md")
    );
    let missing = judge("docs/decisions/0001-a.md", &whole.replace("## Context", "Context"));
    assert_eq!(missing, ["docs/decisions/0001-a.md:1: has no \"## Context\""]);
}

#[test]
fn an_undecided_dependency_is_found() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\n# b = \"1\"\nc.version = \"1\"\n\n[dev-dependencies.d]\n\
                    version = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = { version = \"1\" }\n[features]\nf = []\n";
    let record = ("docs/decisions/0001-a.md", "`a` and `e`, not c");
    let found = papers::dependencies_are_decided(&House::of(&[("Cargo.toml", manifest), record]));
    assert_eq!(
        found,
        ["Cargo.toml:6: no decision record names `c`", "Cargo.toml:8: no decision record names `d`"]
    );
}

#[test]
fn a_reason_without_a_day_is_found() {
    let dated = "deny = [\n  { crate = \"a\", reason = \"2026-11-22: because\" },\n";
    let undated = "  { crate = \"b\", reason = \"because\" },\n  { crate = \"c\" },\n]\n";
    let found = papers::reasons_are_dated(&House::of(&[("deny.toml", &format!("{dated}{undated}"))]));
    assert_eq!(
        found,
        [3, 4].map(|line| format!("deny.toml:{line}: a reason begins with a day, 2026-11-22: …"))
    );
}

#[test]
fn a_citation_of_nothing_is_found() {
    let contract = ("docs/CONTRACT.md", "# x\n## C1 One\n### C2.1 Two\n(C2.1), C1. and C3\n");
    let code =
        "// docs/CONTRACT.md C2.1, C2.2; docs/CONTRACT.md.\n// docs/lost.md. And docs/CONTRACT.md C9\n";
    let found = papers::citations_lead_somewhere(&House::of(&[contract, ("src/x.rs", code)]));
    assert_eq!(
        found,
        [
            "docs/CONTRACT.md:4: docs/CONTRACT.md has no C3",
            "src/x.rs:1: docs/CONTRACT.md has no C2.2",
            "src/x.rs:2: there is no docs/lost.md",
            "src/x.rs:2: docs/CONTRACT.md has no C9",
        ]
    );
}

#[test]
fn a_test_that_is_cited_is_there() {
    let page = "`tests/x.rs::a_law`, `tests/x.rs::a`,\n`tests/y.rs::a_law` and tests/x.rs::b; `tests/x.rs::of_the_house`\n\
                `tests/x.rs::used`, `tests/x.rs::plain`, `tests/z.rs::everywhere`, `tests/z.rs::every`\n";
    let code = "#[tokio::test(start_paused = true)]\n#[expect(x)]\nasync fn a_law() {}\nfn used() {}\n    #[test]\n    fn plain() {}\n    \
                of_the_house: laws::hold;\n";
    let engines =
        "async fn everywhere(on: Place) {}\nfn every() {}\non_each_engine! {\n    [] everywhere, other;\n}\n";
    let files = [("docs/a.md", page), ("tests/x.rs", code), ("tests/z.rs", engines)];
    let found = papers::cited_tests_exist(&House::of(&files));
    assert_eq!(
        found,
        [
            "docs/a.md:1: there is no tests/x.rs::a",
            "docs/a.md:2: there is no tests/y.rs::a_law",
            "docs/a.md:3: there is no tests/x.rs::used",
            "docs/a.md:3: there is no tests/z.rs::every",
        ]
    );
}

#[test]
fn a_clause_that_nobody_checks_is_found() {
    let page = "## C1 One\n### C1.1 Two\n### C1.2 Three\n### C1.3 Four\n## Checks\n| clause | test | noticed |\n|---|---|---|\n\
                | C1 | `tests/x.rs::a` | by us |\n| C1.1 | looked at | by us |\n| C1.2 | no test: it is theirs | |\n\
                | C1 | no test: twice | not |\n";
    let found = papers::clauses_are_checked(&House::of(&[("docs/CONTRACT.md", page)]));
    assert_eq!(
        found,
        [
            "docs/CONTRACT.md:9: C1.1 cites no test, and does not say \"no test: …\"",
            "docs/CONTRACT.md:10: C1.2 does not say how one would notice",
            "docs/CONTRACT.md:11: C1 has a row already",
            "docs/CONTRACT.md: C1.3 has no row that says how it is checked",
        ]
    );
}

#[test]
fn code_is_cut_at_the_right_places() {
    let cut = |text| source::tokens(text).into_iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
    assert_eq!(cut("a::b->c // d\n/* e */ f"), "a :: b -> c f");
    assert_eq!(
        cut("'a' 'a '\\'' b'\\\\' b\"x\" r\"\\\" r#type r##\"\"#\"## x"),
        "\"\" \"\" \"\" \"\" \"\" type \"\" x"
    );
    let lines: Vec<usize> = source::tokens("\"a\nb\"\nx /* \n */ y").iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 3, 4]);
}
