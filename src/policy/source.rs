//! Policy files as text: read from a directory, handed in, and kept in one canonical text.

use std::cell::OnceCell;
use std::fs;
use std::ops::Range;
use std::path::Path;

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
const LISTS_DIR: &str = "lists";

/// The directory beside the policies that holds their tests.
const TESTS_DIR: &str = "tests";

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

/// Reads the policy files of a directory: every `*.yaml` in it and every `lists/*.txt`, by name.
///
/// Names that start with a dot are editors' and Kubernetes' own business, and other kinds of files may lie beside
/// the policies. What looks like a policy and would not be read is a fault, since a rule that nobody reads is a rule
/// that silently does not apply.
///
/// # Errors
/// Everything that cannot be read; no file is returned then.
pub(crate) fn read_dir(dir: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let mut files = Vec::new();
    let mut faults = Vec::new();
    read_folder(dir, "", &mut files, &mut faults);
    if dir.join(LISTS_DIR).is_dir() {
        read_folder(&dir.join(LISTS_DIR), "lists/", &mut files, &mut faults);
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

fn read_folder(dir: &Path, prefix: &str, files: &mut Vec<SourceFile>, faults: &mut Vec<Diagnostic>) {
    let entries = match fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return faults.push(unreadable(&dir.display().to_string(), &error)),
    };
    let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
    names.sort_unstable();
    for name in names {
        let path = dir.join(&name);
        let name = format!("{prefix}{}", name.to_string_lossy());
        match placement(&name, path.is_dir()) {
            Placement::Ignored => {}
            Placement::Misplaced(message, help) => faults.push(without_line(&name, message, help)),
            Placement::Policy => match read_file(&path, &name) {
                Ok(file) => files.push(file),
                Err(found) => faults.extend(found),
            },
        }
    }
}

/// Reads the tests of a policy directory: every `*.yaml` in its `tests`, named `tests/NAME`. They are no part of the
/// bundle: what is tested is not changed by how it is tested.
///
/// # Errors
/// Everything that cannot be read; no file is returned then.
pub(crate) fn read_tests(dir: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let tests = dir.join(TESTS_DIR);
    if !tests.is_dir() {
        return Ok(Vec::new());
    }
    let files = read_dir(&tests).map_err(|found| found.into_iter().map(inside_tests).collect::<Vec<_>>())?;
    Ok(files
        .into_iter()
        .map(|file| SourceFile { name: format!("{TESTS_DIR}/{}", file.name), ..file })
        .collect())
}

fn inside_tests(found: Diagnostic) -> Diagnostic {
    Diagnostic { file: format!("{TESTS_DIR}/{}", found.file), ..found }
}

enum Placement {
    Policy,
    Ignored,
    Misplaced(&'static str, &'static str),
}

fn placement(name: &str, is_dir: bool) -> Placement {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let (folder, own_name) = name.split_once('/').map_or((None, name), |(folder, own)| (Some(folder), own));
    if own_name.starts_with('.') {
        return Placement::Ignored;
    }
    if is_dir {
        return match name {
            TESTS_DIR | LISTS_DIR => Placement::Ignored,
            _ => Placement::Misplaced(
                "a directory inside the policy directory: nothing in it would be read",
                "move its files up, or the directory elsewhere; only `lists` and `tests` may stand here",
            ),
        };
    }
    if folder.is_some() {
        return match list_name(name) {
            Some(_) => Placement::Policy,
            None => Placement::Misplaced(
                "only files named `*.txt` are read here",
                "rename the file to end in `.txt`, or move it elsewhere",
            ),
        };
    }
    match extension {
        Some("yaml") => Placement::Policy,
        Some(other) if ["yml", "yaml"].contains(&other.to_ascii_lowercase().as_str()) => {
            Placement::Misplaced("only files named `*.yaml` are read", "rename the file to end in `.yaml`")
        }
        _ => Placement::Ignored,
    }
}

fn read_file(path: &Path, name: &str) -> Result<SourceFile, Vec<Diagnostic>> {
    let bytes = fs::metadata(path).map_err(|error| vec![unreadable(name, &error)])?.len();
    if usize::try_from(bytes).unwrap_or(usize::MAX) > bytes_max(name) {
        return Err(vec![too_long(&SourceFile::new(name.to_owned(), String::new()))]);
    }
    let text = fs::read_to_string(path).map_err(|error| vec![unreadable(name, &error)])?;
    Ok(SourceFile::new(name.to_owned(), text))
}

fn bytes_max(name: &str) -> usize {
    if list_name(name).is_some() { LIST_BYTES_MAX } else { FILE_BYTES_MAX }
}

fn too_long(file: &SourceFile) -> Diagnostic {
    let message = format!("the file has more than {} bytes", bytes_max(file.name()));
    let help = "split it: one file per scope or family of scopes, several lists".to_owned();
    file.finding((Severity::Error, Code::Limit), Span::START, message, help)
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    let file = SourceFile::new(name.to_owned(), String::new());
    let message = format!("cannot be read: {error}");
    let help = "the file must exist, be readable by this user and be UTF-8".to_owned();
    file.finding((Severity::Error, Code::FileUnreadable), Span::START, message, help)
}

fn without_line(name: &str, message: &str, help: &str) -> Diagnostic {
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
        let message = format!("a bundle has at most {FILES_MAX} files and {BUNDLE_BYTES_MAX} bytes");
        let file = SourceFile::new(".".to_owned(), String::new());
        let help = "put families of scopes into one file".to_owned();
        faults.push(file.finding((Severity::Error, Code::Limit), Span::START, message, help));
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

    #[test]
    fn what_would_not_be_read_is_a_fault() {
        let kind = |name, is_dir| match placement(name, is_dir) {
            Placement::Policy => "policy",
            Placement::Ignored => "ignored",
            Placement::Misplaced(..) => "fault",
        };
        assert_eq!(kind("transfer.yaml", false), "policy");
        assert_eq!(kind("transfer.yml", false), "fault");
        assert_eq!(kind("transfer.YAML", false), "fault");
        assert_eq!(kind("..data", true), "ignored");
        assert_eq!(kind(".transfer.yaml.swp", false), "ignored");
        assert_eq!(kind("README.md", false), "ignored");
        assert_eq!(kind("tests", true), "ignored");
        assert_eq!(kind("more", true), "fault");
        assert_eq!(kind("lists", true), "ignored");
        assert_eq!(kind("lists/frozen.txt", false), "policy");
        assert_eq!(kind("lists/.frozen.txt.swp", false), "ignored");
        assert_eq!(kind("lists/frozen.csv", false), "fault");
        assert_eq!(kind("lists/.txt", false), "ignored");
        assert_eq!(kind("lists/more", true), "fault");
    }
}
