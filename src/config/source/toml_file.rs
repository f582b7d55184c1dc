//! TOML, with the position of every key and value.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::config::fault::{Code, Fault, Place};
use crate::config::shape::{Written, Wrong};

use super::{Entry, Layer};

/// The longest file that is read, settings or secret.
pub(in crate::config) const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The most faults of syntax that one file is told: what follows the first is often its echo.
const SYNTAX_FAULTS_MAX: usize = 5;

/// Takes the defaults, which are part of the program.
pub(in crate::config) fn built_in() -> Layer {
    of_text("config/default.toml", include_str!("../../../config/default.toml"))
}

/// Takes a file.
pub(in crate::config) fn file(path: &Path) -> Layer {
    let name: Arc<str> = path.display().to_string().into();
    match read(path) {
        Ok(text) => of_text(&name, &text),
        Err(unread) => Layer::unread(vec![Fault::at("", &Place::File { file: name }, unread.wrong())]),
    }
}

/// Why a file has no text for us.
#[derive(Debug)]
pub(in crate::config) enum Unread {
    /// The system says no, for this reason.
    Io(std::io::ErrorKind),
    /// Longer than [`FILE_BYTES_MAX`].
    TooLarge,
    /// Not UTF-8.
    NotText,
}

impl Unread {
    /// As a fault of whoever named the file.
    pub(in crate::config) fn wrong(self) -> Wrong {
        match self {
            Self::Io(kind) => Wrong::new(
                Code::FileUnreadable,
                format!("cannot be read: {kind}"),
                "check that the path is right and that this user may read the file",
            ),
            Self::TooLarge => Wrong::new(
                Code::FileTooLarge,
                format!("is a file of more than {FILE_BYTES_MAX} bytes"),
                "check that this is the file that you meant",
            ),
            Self::NotText => Wrong::new(Code::FileNotText, "is a file that is not text", "save it as UTF-8"),
        }
    }
}

/// Reads a text file of at most [`FILE_BYTES_MAX`].
///
/// # Errors
/// [`Unread`], which never holds a part of the file.
pub(in crate::config) fn read(path: &Path) -> Result<String, Unread> {
    let open = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = open().map_err(|error| Unread::Io(error.kind()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(Unread::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| Unread::NotText)
}

/// Takes TOML text.
///
/// - `name`: the file's name, for messages.
/// - returns: faults alone where the text is not TOML, since half a file says something else than the whole.
pub(in crate::config) fn of_text(name: &str, text: &str) -> Layer {
    let source = Source { file: name.into(), text };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Layer::unread(source.syntax_faults(&errors));
    }
    let mut found = Vec::new();
    source.flatten("", table.get_ref(), &mut found);
    // The parser sorts by name; people read from top to bottom.
    found.sort_by_key(|(start, _)| *start);
    Layer::of(found.into_iter().map(|(_, entry)| entry).collect())
}

struct Source<'t> {
    file: Arc<str>,
    text: &'t str,
}

impl Source<'_> {
    /// Lists every value that is not a table, and every table that is empty, with where its key starts.
    ///
    /// The parser bounds how deep tables nest, and with them this recursion.
    fn flatten(&self, above: &str, table: &DeTable<'_>, found: &mut Vec<(usize, Entry)>) {
        for (key, value) in table {
            let path = join(above, key.get_ref());
            if let DeValue::Table(below) = value.get_ref()
                && !below.is_empty()
            {
                self.flatten(&path, below, found);
                continue;
            }
            let (written, text) = written(value.get_ref());
            let entry = Entry {
                key: path.into(),
                key_at: self.place(&key.span()),
                value_at: self.place(&value.span()),
                written: Some(written),
                text: text.into(),
            };
            found.push((key.span().start, entry));
        }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let in_line = before.get(line_start..).unwrap_or_default().trim_start_matches('\u{feff}');
        let line = before.matches('\n').count() + 1;
        Place::At { file: Arc::clone(&self.file), line, column: in_line.chars().count() + 1 }
    }

    /// From top to bottom, the first of each line.
    fn syntax_faults(&self, errors: &[toml::de::Error]) -> Vec<Fault> {
        let start = |error: &&toml::de::Error| error.span().map(|span| span.start);
        let line = |error: &&toml::de::Error| {
            let before = start(error).and_then(|start| self.text.get(..start))?;
            Some(before.matches('\n').count())
        };
        let mut in_order: Vec<_> = errors.iter().collect();
        in_order.sort_by_key(start);
        in_order.dedup_by_key(|error| line(error));
        in_order.into_iter().take(SYNTAX_FAULTS_MAX).map(|error| self.syntax_fault(error)).collect()
    }

    fn syntax_fault(&self, error: &toml::de::Error) -> Fault {
        Fault {
            code: Code::Syntax,
            key: "".into(),
            place: error.span().map(|span| self.place(&span)),
            // The parser's message is made of its own words; only its Display quotes the line.
            message: format!("not TOML: {}", error.message()).into(),
            help: "see https://toml.io for how TOML is written".into(),
        }
    }
}

fn join(above: &str, part: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let part = if !part.is_empty() && part.chars().all(bare) { part.to_owned() } else { format!("{part:?}") };
    if above.is_empty() { part } else { format!("{above}.{part}") }
}

fn written(value: &DeValue<'_>) -> (Written, String) {
    match value {
        DeValue::String(text) => (Written::String, text.clone().into_owned()),
        DeValue::Integer(number) => {
            // In decimal digits, whatever its radix; a number too large for that stays as written and is refused later.
            let decimal = i128::from_str_radix(number.as_str(), number.radix());
            (
                Written::Integer,
                decimal.map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
            )
        }
        DeValue::Float(_) => (Written::Float, String::new()),
        DeValue::Boolean(truth) => (Written::Boolean, truth.to_string()),
        DeValue::Datetime(_) => (Written::Datetime, String::new()),
        DeValue::Array(values) => list(values),
        DeValue::Table(_) => (Written::Section, String::new()),
    }
}

/// An array of texts as one text with commas, which none of them may hold.
fn list(values: &toml::de::DeArray<'_>) -> (Written, String) {
    let text = |value: &toml::Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) if !text.is_empty() && !text.contains(',') => Some(text.to_string()),
        _ => None,
    };
    match values.iter().map(text).collect::<Option<Vec<_>>>() {
        Some(texts) => (Written::List, texts.join(",")),
        None => (Written::Array, String::new()),
    }
}
