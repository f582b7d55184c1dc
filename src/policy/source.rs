//! Policy files as text: handed in, checked in number and size, and kept in one canonical text.

use std::cell::OnceCell;
use std::ops::Range;

use super::diagnostic::{Code, Diagnostic, Findings, Severity, Span, excerpt};

/// The most bytes of one file.
pub(crate) const FILE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most bytes of one list.
pub(crate) const LIST_BYTES_MAX: usize = 48 * 1024 * 1024;
/// The most files of a bundle.
pub(crate) const FILES_MAX: usize = 4096;
/// The most bytes of all files of a bundle together.
pub(crate) const BUNDLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most characters of a file's name.
const NAME_CHARS_MAX: usize = 100;
/// Where lists lie.
pub(super) const LISTS_DIR: &str = "lists";

/// The first line of a bundle's canonical text: says how to read the rest.
const CANONICAL_HEAD: &str = "doorstep policy bundle 1\n";

/// Room for what the canonical text says of a file besides its name.
const HEADING_BYTES: usize = 32;

/// A policy file: its name inside the directory and its text.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    name: String,
    text: String,
    lines: OnceCell<Vec<Range<usize>>>,
}

impl SourceFile {
    /// Takes a file.
    pub(crate) const fn new(name: String, text: String) -> Self {
        Self { name, text, lines: OnceCell::new() }
    }

    /// The same text under another name.
    pub(super) fn renamed(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The name inside the policy directory.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text as it stands in the file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn line(&self, number: usize) -> &str {
        let lines = self.lines.get_or_init(|| lines_of(&self.text));
        let range = number.checked_sub(1).and_then(|at| lines.get(at));
        range.and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }

    /// Makes a finding in this file, with its source line.
    pub(crate) fn finding(
        &self,
        (severity, code): (Severity, Code),
        span: Span,
        message: String,
        help: String,
    ) -> Diagnostic {
        let (source_line, skipped) = excerpt::around(self.line(span.line), span.column);
        Diagnostic {
            severity,
            code,
            file: self.name.clone(),
            line: span.line,
            column: span.column,
            source_line,
            message: excerpt::cut(message),
            help: excerpt::cut(help),
            width: span.width,
            skipped,
        }
    }

    /// What was kept of the findings in this file, and how many more there are.
    pub(crate) fn listed(&self, findings: Findings) -> Vec<Diagnostic> {
        let left_out = findings.left_out();
        let mut listed = findings.into_kept();
        if left_out > 0 {
            let message = format!("{left_out} more findings here");
            let help = "see to the ones that are shown first".to_owned();
            listed.push(self.finding((Severity::Warning, Code::Limit), Span::START, message, help));
        }
        listed
    }
}

/// Where the lines of a text stand, without their ends: found for the first finding only, since a list is long.
fn lines_of(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push(start..start + line.trim_end_matches(['\n', '\r']).len());
        start += line.len();
    }
    lines
}

/// The name of the list that a file holds; `None` for a file that is none.
pub(crate) fn list_name(file: &str) -> Option<&str> {
    file.strip_prefix(LISTS_DIR)?.strip_prefix('/')?.strip_suffix(".txt").filter(|name| !name.is_empty())
}

/// The most bytes of a file with this name.
pub(super) fn bytes_max(name: &str) -> usize {
    if list_name(name).is_some() { LIST_BYTES_MAX } else { FILE_BYTES_MAX }
}

/// The finding that a file is longer than it may be.
pub(super) fn too_long(file: &SourceFile) -> Diagnostic {
    let message = format!("the file has more than {} bytes", bytes_max(file.name()));
    let help = "split it: one file per scope or family of scopes, several lists".to_owned();
    file.finding((Severity::Error, Code::Limit), Span::START, message, help)
}

/// The finding that the files together are more than a bundle may hold.
pub(super) fn bundle_too_large() -> Diagnostic {
    let file = SourceFile::new(".".to_owned(), String::new());
    let message = format!("a bundle has at most {FILES_MAX} files and {BUNDLE_BYTES_MAX} bytes");
    let help = "put families of scopes into one file".to_owned();
    file.finding((Severity::Error, Code::Limit), Span::START, message, help)
}

/// A finding about a name, which stands in no line.
pub(super) fn without_line(name: &str, message: &str, help: &str) -> Diagnostic {
    SourceFile::new(name.to_owned(), String::new()).finding(
        (Severity::Error, Code::FileName),
        Span::START,
        message.to_owned(),
        help.to_owned(),
    )
}

/// Checks names, number and size of files that were handed in or read.
pub(crate) fn check_files(files: &[SourceFile]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut names = std::collections::HashSet::with_capacity(files.len());
    for file in files {
        if !names.insert(file.name()) {
            faults.push(without_line(file.name(), "two files with this name", "rename one of the two"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name = file.name();
        let own_name = list_name(name).or_else(|| name.strip_suffix(".yaml"));
        if !own_name.is_some_and(|own| own.chars().all(plain)) || name.chars().count() > NAME_CHARS_MAX {
            let help = "name it with up to 100 of a-z A-Z 0-9 . - _ and the ending `.yaml`, or `.txt` under `lists/`";
            faults.push(without_line(name, "not a name for a policy file", help));
        }
        if file.text().len() > bytes_max(name) {
            faults.push(too_long(file));
        }
    }
    let bytes: usize = files.iter().map(|file| file.text().len()).sum();
    if files.len() > FILES_MAX || bytes > BUNDLE_BYTES_MAX {
        faults.push(bundle_too_large());
    }
    faults
}

/// Puts files into one text, by name, from which [`split_canonical`] gets them back byte for byte.
///
/// Each file is a line `file NAME BYTES`, then that many bytes, then a line end.
pub(crate) fn canonical_text(files: &[SourceFile]) -> String {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by(|a, b| a.name().cmp(b.name()));
    // Reserved once: a text that grows is in memory twice, and this one may be long.
    let bytes: usize = files.iter().map(|file| file.text().len() + file.name().len() + HEADING_BYTES).sum();
    let mut text = String::with_capacity(CANONICAL_HEAD.len() + bytes);
    text.push_str(CANONICAL_HEAD);
    for file in sorted {
        text.push_str(&format!("file {} {}\n", file.name(), file.text().len()));
        text.push_str(file.text());
        text.push('\n');
    }
    text
}

/// Gets the files back from [`canonical_text`]; `None` for any other text.
pub(crate) fn split_canonical(text: &str) -> Option<Vec<(String, String)>> {
    let mut rest = text.strip_prefix(CANONICAL_HEAD)?;
    let mut files = Vec::new();
    while !rest.is_empty() {
        let (head, body) = rest.split_once('\n')?;
        let (name, bytes) = head.strip_prefix("file ")?.split_once(' ')?;
        let (text, tail) = body.split_at_checked(bytes.parse().ok()?)?;
        files.push((name.to_owned(), text.to_owned()));
        rest = tail.strip_prefix('\n')?;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile::new(name.to_owned(), text.to_owned())
    }

    #[test]
    fn canonical_text_gives_the_files_back_whatever_they_hold() {
        let files = [file("b.yaml", "file a.yaml 3\nx"), file("a.yaml", ""), file("c.yaml", "é\r\n\n")];
        let text = canonical_text(&files);
        let expected: Vec<(String, String)> =
            [("a.yaml", ""), ("b.yaml", "file a.yaml 3\nx"), ("c.yaml", "é\r\n\n")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into();
        assert_eq!(split_canonical(&text), Some(expected));
        for broken in ["", "file a 1\n", "doorstep policy bundle 1\nfile a.yaml 9\nx\n"] {
            assert_eq!(split_canonical(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_finding_carries_its_line() {
        let file = file("a.yaml", "one\r\ntwo\nthree");
        let line = |number| {
            let span = Span { line: number, column: 1, width: 1 };
            file.finding((Severity::Error, Code::Empty), span, String::new(), String::new()).source_line
        };
        assert_eq!([line(0), line(1), line(2), line(3), line(4)], ["", "one", "two", "three", ""]);
    }
}
