//! The repository as the rules see it: its files, the rooms among them, and the tables of `docs/ARCHITECTURE.md`.

use std::collections::BTreeMap;
use std::path::Path as Location;
use std::{fs, io};

use crate::source::{self, Path, Token};

/// Where the tables stand.
pub(crate) const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// What is not ours, or not source.
const SKIPPED: [&str; 5] = [".git", "target", "node_modules", "artifacts", "LICENSE"];

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Where a line is, as an editor takes it.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    pub(crate) fn extension(&self) -> Option<&str> {
        Location::new(&self.path).extension()?.to_str()
    }

    /// The lines, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(before, line)| (before + 1, line))
    }

    /// The module that a file under `src/` is: `["http", "problem"]` for `src/http/problem.rs`. Its first name is the
    /// room, or `main` or `lib`.
    pub(crate) fn module(&self) -> Option<Vec<&str>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        Some(path.split('/').collect())
    }

    pub(crate) fn tokens(&self) -> Vec<Token> {
        source::tokens(&self.text)
    }

    pub(crate) fn paths(&self) -> Vec<Path> {
        source::paths(&self.tokens())
    }
}

/// A row of a table in a Markdown file.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    /// The first cell's `name`.
    pub(crate) name: String,
    /// The second cell, as it stands.
    pub(crate) second: String,
}

impl Row {
    /// The `names` in the second cell.
    pub(crate) fn names(&self) -> Vec<&str> {
        backticked(&self.second)
    }
}

/// The files that the rules judge.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) files: Vec<File>,
}

impl House {
    /// Reads the repository that this test was built from.
    pub(crate) fn open() -> io::Result<Self> {
        let mut files = Vec::new();
        walk(Location::new(env!("CARGO_MANIFEST_DIR")), "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// Makes a house of these paths and texts.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: files.iter().map(file).collect() }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// Every file under `src/` with its module.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&File, Vec<&str>)> {
        self.files.iter().filter_map(|file| Some((file, file.module()?)))
    }

    /// The rooms that the sources have, each with the first file that shows it.
    pub(crate) fn rooms(&self) -> BTreeMap<&str, &File> {
        let mut rooms = BTreeMap::new();
        for (file, module) in self.sources() {
            if let Some(name) = module.first().filter(|name| !matches!(**name, "main" | "lib")) {
                rooms.entry(*name).or_insert(file);
            }
        }
        rooms
    }

    /// The rows of the first table under a heading of `docs/ARCHITECTURE.md`.
    pub(crate) fn table(&self, heading: &str) -> Vec<Row> {
        let Some(file) = self.file(ARCHITECTURE) else { return Vec::new() };
        file.lines()
            .skip_while(|(_, text)| text.strip_prefix("## ") != Some(heading))
            .skip_while(|(_, text)| !text.starts_with('|'))
            .take_while(|(_, text)| text.starts_with('|'))
            .skip(2)
            .filter_map(|(line, text)| row(line, text))
            .collect()
    }

    /// Which room may import which.
    pub(crate) fn doors(&self) -> BTreeMap<String, Vec<String>> {
        let owned = |row: &Row| row.names().into_iter().map(str::to_owned).collect();
        self.table("Doors").iter().map(|row| (row.name.clone(), owned(row))).collect()
    }
}

fn walk(directory: &Location, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
            files.push(File { path, text });
        }
    }
    Ok(())
}

fn row(line: usize, text: &str) -> Option<Row> {
    let mut cells = text.trim_matches('|').split('|').map(str::trim);
    let name = (*backticked(cells.next()?).first()?).to_owned();
    Some(Row { line, name, second: cells.next()?.to_owned() })
}

/// What stands between backticks.
pub(crate) fn backticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
