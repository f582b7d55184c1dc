//! What a file may be called and hold.

use crate::house::{File, House};
use crate::source::Token;

/// No file of code is longer.
pub(crate) const LINES_MAX: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 12] = [
    "utils", "util", "common", "helpers", "helper", "types", "manager", "managers", "service", "services",
    "misc", "mod",
];

/// Files are short.
pub(crate) fn files_are_short(house: &House) -> Vec<String> {
    let long = |file: &&File| file.lines().count() > LINES_MAX;
    let offence = |file: &File| format!("{}: more than {LINES_MAX} lines", file.at(LINES_MAX + 1));
    house.rust().filter(long).map(offence).collect()
}

/// Files, folders and modules are named for what they hold, and a room is `room.rs`, never `room/mod.rs`.
pub(crate) fn names_say_something(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    for file in house.rust() {
        let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        for name in stem.split('/').filter(|name| EMPTY_NAMES.contains(name)) {
            offences.push(format!("{}: `{name}` is no name", file.at(1)));
        }
        for pair in file.tokens().windows(2) {
            if let [first, name] = pair
                && first.text == "mod"
                && EMPTY_NAMES.contains(&name.text.as_str())
            {
                offences.push(format!("{}: `{}` is no name", file.at(name.line), name.text));
            }
        }
    }
    offences
}

/// Every file under `src/` is declared by its parent, so that none lies there uncompiled.
pub(crate) fn files_are_declared(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    for (file, module) in house.sources() {
        let (name, parent) = match module.as_slice() {
            ["main" | "lib"] | [] => continue,
            [room] => (*room, "src/lib.rs".to_owned()),
            [above @ .., part] => (*part, format!("src/{}.rs", above.join("/"))),
        };
        let declared = house.file(&parent).is_some_and(|parent| {
            parent
                .tokens()
                .windows(3)
                .any(|three| matches!(texts(three).as_slice(), ["mod", it, ";"] if *it == name))
        });
        if !declared {
            offences.push(format!("{}: {parent} does not say `mod {name};`", file.at(1)));
        }
    }
    offences
}

/// Nothing is left for later: no note to self, no stub, no test that is not run, no sleep.
pub(crate) fn nothing_is_left_for_later(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK"), concat!("XX", "X")];
    let code = |file: &&File| {
        matches!(file.extension(), Some("rs" | "sql" | "toml" | "yaml" | "yml" | "sh" | "py" | "js"))
    };
    for file in house.files.iter().filter(code) {
        for (line, text) in file.lines() {
            let mut words = text.split(|c: char| c != '_' && !c.is_alphanumeric());
            if let Some(note) = words.find(|word| notes.contains(word)) {
                offences.push(format!("{}: `{note}`: do it, or write an issue", file.at(line)));
            }
        }
    }
    for file in house.rust() {
        let tokens = file.tokens();
        let tests = test_lines(&tokens);
        let in_test =
            |line: usize| file.path.starts_with("tests/") || tests.iter().any(|range| range.contains(&line));
        for three in tokens.windows(3) {
            let line = three.first().map_or(0, |token| token.line);
            let what = match texts(three).as_slice() {
                ["todo" | "unimplemented", "!", _] => "a stub",
                ["[", "ignore", _] => "a test that is not run",
                ["thread", "::", "sleep"] => "a sleep",
                ["time", "::", "sleep"] if in_test(line) => "a sleep in a test",
                _ => continue,
            };
            offences.push(format!("{}: {what}", file.at(line)));
        }
    }
    offences
}

/// The lines of what stands under `#[cfg(test)]`, a file of tests being all of it.
fn test_lines(tokens: &[Token]) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    for (at, window) in tokens.windows(6).enumerate() {
        if texts(window).as_slice() != ["[", "cfg", "(", "test", ")", "]"] {
            continue;
        }
        let body = tokens.iter().skip(at + 6).skip_while(|token| !matches!(token.text.as_str(), "{" | ";"));
        let mut depth = 0_usize;
        let end = body.into_iter().find(|token| {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let start = window.first().map_or(0, |token| token.line);
        ranges.push(start..=end.map_or(usize::MAX, |token| token.line));
    }
    ranges
}

fn texts(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

/// The repository stands alone: it names no place outside itself where it was once made.
pub(crate) fn nothing_points_outside(house: &House) -> Vec<String> {
    let places = [concat!("../", "shared"), concat!("/work", "/")];
    let mut offences = Vec::new();
    for file in &house.files {
        for (line, text) in file.lines() {
            if let Some(place) = places.into_iter().find(|place| text.contains(place)) {
                offences.push(format!("{}: `{place}`", file.at(line)));
            }
        }
    }
    offences
}
