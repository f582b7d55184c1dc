//! Rooms, doors and walls.

use std::collections::{BTreeMap, BTreeSet};

use crate::house::{ARCHITECTURE, File, House};
use crate::source::{Kind, Path};

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// To these names below the root of our crate.
    Ours(Vec<String>),
    /// To another crate, or to a name of which only the compiler knows whose it is.
    Foreign(Vec<String>),
    /// To the file's own names.
    Local,
}

/// Rooms, rows of the rooms table and rows of the doors table are the same; tables name only what exists.
pub(crate) fn tables_agree(house: &House) -> Vec<String> {
    let mut offences = Vec::new();
    let rooms = house.rooms();
    for heading in ["Rooms", "Doors"] {
        let rows = house.table(heading);
        let named: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        for (room, file) in rooms.iter().filter(|(room, _)| !named.contains(**room)) {
            offences.push(format!("{}: `{room}` has no row under \"{heading}\"", file.at(1)));
        }
        for row in rows.iter().filter(|row| !rooms.contains_key(row.name.as_str())) {
            offences.push(format!("{ARCHITECTURE}:{}: there is no room `{}`", row.line, row.name));
        }
        if named.len() != rows.len() {
            offences.push(format!("{ARCHITECTURE}: a room has two rows under \"{heading}\""));
        }
    }
    let strangers = |name: &&str| !rooms.contains_key(name) && *name != "main";
    for row in house.table("Doors").iter().chain(&house.table(WALLS)) {
        for stranger in row.names().into_iter().filter(strangers) {
            offences.push(format!("{ARCHITECTURE}:{}: there is no room `{stranger}`", row.line));
        }
    }
    for row in house.table(WALLS) {
        if row.names().is_empty() && !matches!(row.second.as_str(), "any room" | "no room") {
            offences.push(format!("{ARCHITECTURE}:{}: say which rooms, `any room` or `no room`", row.line));
        }
    }
    offences
}

/// A room names another only where the doors table has a door, and passes nothing on.
pub(crate) fn doors_are_kept(house: &House) -> Vec<String> {
    let doors = house.doors();
    let rooms = house.rooms();
    let mut offences = Vec::new();
    for (file, module) in house.sources() {
        let Some(room) = module.first().filter(|room| rooms.contains_key(**room)) else { continue };
        let free = doors.get(*room).cloned().unwrap_or_default();
        let names = local_names(file, &module);
        for path in file.paths() {
            let Target::Ours(to) = target(&path, &module, &names) else { continue };
            let there = to.first().map_or("", String::as_str);
            if there == *room {
                continue;
            }
            let at = file.at(path.line);
            if !rooms.contains_key(there) {
                offences.push(format!("{at}: `crate::{there}` is no room"));
            } else if !free.iter().any(|door| door == there) {
                offences.push(format!("{at}: `{room}` has no door to `{there}`"));
            // `testing` is the window that tests look through: passing on is what it is for.
            } else if path.kind == Kind::Export && *room != "testing" {
                offences.push(format!("{at}: `{room}` passes on what is `{there}`'s"));
            }
        }
    }
    offences
}

const WALLS: &str = "Walls for what others wrote";

/// A walled crate or module is named only in its rooms; nobody reaches one by `extern crate`.
pub(crate) fn walls_are_kept(house: &House) -> Vec<String> {
    let walls = house.table(WALLS);
    let mut offences = Vec::new();
    for (file, module) in house.sources() {
        let room = module.first().copied().unwrap_or_default();
        let names = local_names(file, &module);
        for path in file.paths() {
            let Target::Foreign(to) = target(&path, &module, &names) else { continue };
            let to = to.join("::");
            let longest =
                walls.iter().filter(|wall| is_under(&to, &wall.name)).max_by_key(|wall| wall.name.len());
            if let Some(wall) = longest
                && wall.second != "any room"
                && !wall.names().contains(&room)
            {
                offences.push(format!("{}: `{to}` belongs in {}", file.at(path.line), wall.second));
            }
        }
        let tokens = file.tokens();
        let externs = tokens.windows(2).filter_map(|pair| match pair {
            [first, second] if first.text == "extern" && second.text == "crate" => Some(first.line),
            _ => None,
        });
        offences
            .extend(externs.map(|line| format!("{}: `extern crate` goes round the walls", file.at(line))));
    }
    offences
}

fn is_under(path: &str, wall: &str) -> bool {
    path.strip_prefix(wall).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What a file's own names stand for: a crate's path where a `use` binds one, nothing where they are ours.
type Names = BTreeMap<String, Option<Vec<String>>>;

fn local_names(file: &File, module: &[&str]) -> Names {
    let nothing = Names::new();
    let used = file.paths().into_iter().filter_map(|path| {
        let stands_for = match target(&path, module, &nothing) {
            Target::Foreign(to) => Some(to),
            Target::Ours(_) | Target::Local => None,
        };
        Some((path.binds?, stands_for))
    });
    let tokens = file.tokens();
    let modules = tokens.windows(2).filter_map(|pair| match pair {
        [first, second] if first.text == "mod" => Some((second.text.clone(), None)),
        _ => None,
    });
    used.chain(modules).collect()
}

fn target(path: &Path, module: &[&str], names: &Names) -> Target {
    let mut here: Vec<String> = match module {
        ["lib" | "main"] => Vec::new(),
        _ => module.iter().map(|name| (*name).to_owned()).collect(),
    };
    here.extend(path.inside.iter().cloned());
    let owned = |name: &str| name.to_owned();
    let mut rest = path.segments.iter().map(String::as_str).filter(|name| *name != "self").peekable();
    match path.segments.first().map(String::as_str) {
        Some("crate") => here.clear(),
        Some("self" | "super") => {}
        Some("") => return Target::Foreign(rest.skip(1).map(owned).collect()),
        Some(head) => {
            return match names.get(head) {
                None => Target::Foreign(rest.map(owned).collect()),
                Some(None) => Target::Local,
                Some(Some(stands_for)) => {
                    Target::Foreign(stands_for.iter().cloned().chain(rest.skip(1).map(owned)).collect())
                }
            };
        }
        None => return Target::Local,
    }
    rest.next_if_eq(&"crate");
    while rest.next_if_eq(&"super").is_some() {
        here.pop();
    }
    here.extend(rest.map(owned));
    Target::Ours(here)
}
