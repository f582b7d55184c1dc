//! A directory of policy files: what is read of it, and how a change is noticed.
//!
//! Directories change under their reader: editors write beside and rename, a checkout replaces one file after the other,
//! Kubernetes swaps a symbolic link. So everything is read, and read again should anything have moved meanwhile.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::diagnostic::{Code, Diagnostic, Severity, Span};
use super::source::{
    BUNDLE_BYTES_MAX, FILES_MAX, LISTS_DIR, SourceFile, bundle_too_large, bytes_max, list_name, too_long,
    without_line,
};

/// The directory beside the policies that holds their tests.
const TESTS_DIR: &str = "tests";
/// The most names that a directory of policies may hold, those that nobody reads included.
const ENTRIES_MAX: usize = 16_384;
/// How often a directory is read that changes while it is read.
const READINGS_MAX: usize = 5;

/// How a directory of policies looks from outside: cheap to take, and another one once a file that is read was edited,
/// added, removed, renamed, replaced or given other rights, or a directory or link on the way was swapped.
///
/// An edit that keeps the length can leave no trace where a file system keeps coarse times; nothing but reading finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(Vec<(OsString, Option<Trace>)>);

/// What the system says of a file, links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trace {
    device: u64,
    inode: u64,
    /// Length, time of change and of modification; not of a directory, which changes with names that nobody reads.
    state: Option<(u64, [i64; 4])>,
}

impl Trace {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let times = [found.ctime(), found.ctime_nsec(), found.mtime(), found.mtime_nsec()];
        let state = (!found.is_dir()).then_some((found.len(), times));
        Some(Self { device: found.dev(), inode: found.ino(), state })
    }
}

/// Looks at a directory without reading its files. What cannot be looked at is part of the look.
pub(crate) fn fingerprint(dir: &Path) -> Fingerprint {
    let mut traces = Vec::new();
    for (folder, prefix) in [(dir.to_owned(), ""), (dir.join(LISTS_DIR), "lists/")] {
        traces.push((folder.clone().into_os_string(), Trace::of(&folder)));
        for name in names_in(&folder).unwrap_or_default() {
            let path = folder.join(&name);
            let in_folder = format!("{prefix}{}", name.to_string_lossy());
            if !matches!(placement(&in_folder, path.is_dir()), Placement::Ignored) {
                let trace = Trace::of(&path);
                traces.push((path.into_os_string(), trace));
            }
        }
    }
    Fingerprint(traces)
}

/// Reads the policy files of a directory as they stood at one moment: nothing moved while they were read.
///
/// # Errors
/// Everything that cannot be read, or that the directory does not come to rest; no file is returned then.
pub(super) fn read_settled(dir: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    settled(dir, read_dir).unwrap_or_else(|| Err(vec![restless()]))
}

/// What was read while nothing moved; `None` when something moved each time.
fn settled<T>(dir: &Path, mut read: impl FnMut(&Path) -> T) -> Option<T> {
    (0..READINGS_MAX).find_map(|_| {
        let before = fingerprint(dir);
        let read = read(dir);
        (fingerprint(dir) == before).then_some(read)
    })
}

/// Reads the policy files of a directory: every `*.yaml` in it and every `lists/*.txt`, by name.
///
/// Names that start with a dot are editors' and Kubernetes' own business, and other kinds of files may lie beside
/// the policies. What looks like a policy and would not be read is a fault, since a rule that nobody reads is a rule
/// that silently does not apply.
///
/// # Errors
/// Everything that cannot be read; no file is returned then.
fn read_dir(dir: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let mut gathered = Gathered::default();
    gathered.read_folder(dir, "");
    if dir.join(LISTS_DIR).is_dir() {
        gathered.read_folder(&dir.join(LISTS_DIR), "lists/");
    }
    if gathered.faults.is_empty() { Ok(gathered.files) } else { Err(gathered.faults) }
}

/// What was read of a directory so far: never more than a bundle may hold, whatever lies there.
#[derive(Default)]
struct Gathered {
    files: Vec<SourceFile>,
    bytes: usize,
    faults: Vec<Diagnostic>,
}

impl Gathered {
    fn read_folder(&mut self, dir: &Path, prefix: &str) {
        let names = match names_in(dir) {
            Ok(names) => names,
            Err(error) => return self.faults.push(unreadable(&dir.display().to_string(), &error)),
        };
        if names.len() > ENTRIES_MAX {
            return self.faults.push(too_many_names());
        }
        for name in names {
            let path = dir.join(&name);
            let name = format!("{prefix}{}", name.to_string_lossy());
            match placement(&name, path.is_dir()) {
                Placement::Ignored => {}
                Placement::Misplaced(message, help) => self.faults.push(without_line(&name, message, help)),
                Placement::Policy if self.files.len() >= FILES_MAX || self.bytes > BUNDLE_BYTES_MAX => {
                    return self.faults.push(bundle_too_large());
                }
                Placement::Policy => match read_file(&path, &name) {
                    Ok(file) => {
                        self.bytes += file.text().len();
                        self.files.push(file);
                    }
                    Err(found) => self.faults.push(*found),
                },
            }
        }
    }
}

/// The names in a directory, sorted; one more than [`ENTRIES_MAX`] stands for too many.
///
/// # Errors
/// What the system says.
fn names_in(dir: &Path) -> std::io::Result<Vec<OsString>> {
    let entries = fs::read_dir(dir)?.take(ENTRIES_MAX + 1);
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Reads the tests of a policy directory: every `*.yaml` in its `tests`, named `tests/NAME`. They are no part of the
/// bundle: what is tested is not changed by how it is tested.
///
/// # Errors
/// Everything that cannot be read; no file is returned then.
pub(super) fn read_tests(dir: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let tests = dir.join(TESTS_DIR);
    if !tests.is_dir() {
        return Ok(Vec::new());
    }
    let files = read_dir(&tests).map_err(|found| found.into_iter().map(inside_tests).collect::<Vec<_>>())?;
    let inside = |file: SourceFile| {
        let name = format!("{TESTS_DIR}/{}", file.name());
        file.renamed(name)
    };
    Ok(files.into_iter().map(inside).collect())
}

fn inside_tests(found: Diagnostic) -> Diagnostic {
    Diagnostic { file: format!("{TESTS_DIR}/{}", found.file), ..found }
}

/// What a name in a policy directory means.
enum Placement {
    /// It is read.
    Policy,
    /// It is somebody else's business.
    Ignored,
    /// It looks like a policy and would not be read: what is wrong, and a way out.
    Misplaced(&'static str, &'static str),
}

/// Tells what a name means; `name` begins with the folder inside the directory, if it is in one.
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

fn read_file(path: &Path, name: &str) -> Result<SourceFile, Box<Diagnostic>> {
    let failed = |error: std::io::Error| Box::new(unreadable(name, &error));
    let found = fs::metadata(path).map_err(failed)?;
    // A pipe would be waited for without an end.
    if !found.is_file() {
        return Err(failed(std::io::Error::other("it is no regular file")));
    }
    let bytes_max = bytes_max(name);
    // Room for the whole file at once: what grows is in memory twice meanwhile, and a list is long.
    let expected = usize::try_from(found.len()).map_or(bytes_max, |length| length.min(bytes_max));
    let mut bytes = Vec::with_capacity(expected);
    let file = fs::File::open(path).map_err(failed)?;
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(Box::new(too_long(&SourceFile::new(name.to_owned(), String::new()))));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed(std::io::Error::other("it is not UTF-8")))?;
    Ok(SourceFile::new(name.to_owned(), text))
}

fn too_many_names() -> Diagnostic {
    let file = SourceFile::new(".".to_owned(), String::new());
    let message = format!("the directory holds more than {ENTRIES_MAX} names");
    let help = "give the policies a directory of their own".to_owned();
    file.finding((Severity::Error, Code::Limit), Span::START, message, help)
}

fn restless() -> Diagnostic {
    let file = SourceFile::new(".".to_owned(), String::new());
    let message = "the files changed again and again while they were read".to_owned();
    let help =
        "wait until whoever writes them is done, and replace files as a whole: write beside and rename"
            .to_owned();
    file.finding((Severity::Error, Code::FileUnreadable), Span::START, message, help)
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    let file = SourceFile::new(name.to_owned(), String::new());
    let message = format!("cannot be read: {error}");
    let help = "the file must exist, be readable by this user and be UTF-8".to_owned();
    file.finding((Severity::Error, Code::FileUnreadable), Span::START, message, help)
}

#[cfg(test)]
mod tests;
