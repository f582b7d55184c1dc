//! What is wrong with policy files: where, what and how to get out of it.

use std::fmt;

use serde::Serialize;

use super::source::SourceFile;

pub(crate) use code::Code;
pub(crate) use findings::Findings;

mod code;
pub(crate) mod excerpt;
mod findings;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) enum Severity {
    /// The bundle does not load.
    Error,
    /// The bundle loads; somebody should look.
    Warning,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Where something stands in a file: one line, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The first character, from 1; a tab is one character.
    pub(crate) column: usize,
    /// How many characters a caret line underlines; at least 1.
    pub(crate) width: usize,
}

impl Span {
    /// The beginning of a file, for what concerns all of it.
    pub(crate) const START: Self = Self { line: 1, column: 1, width: 1 };
}

/// One finding, complete enough to be shown without the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Diagnostic {
    /// Whether it keeps the bundle from loading.
    pub(crate) severity: Severity,
    /// What kind of finding; stable between releases.
    pub(crate) code: Code,
    /// The file, as named inside the policy directory.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The character in it, from 1.
    pub(crate) column: usize,
    /// The line as it stands in the file, of a very long one what stands around the place; empty when the file could not
    /// be read.
    pub(crate) source_line: String,
    /// What is wrong.
    pub(crate) message: String,
    /// A way out.
    pub(crate) help: String,
    /// How many characters are underlined.
    #[serde(skip)]
    pub(crate) width: usize,
    /// How many characters stand before what is shown of the line.
    #[serde(skip)]
    pub(crate) skipped: usize,
}

/// The compiler's well-known form: headline, place, source line, caret, way out.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity.as_str(), self.code, self.message)?;
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        if !self.source_line.trim().is_empty() {
            let shown: String = self.source_line.chars().map(shown_char).collect();
            let before = self.column.saturating_sub(1).saturating_sub(self.skipped);
            let indent = " ".repeat(before);
            let room = shown.chars().count().saturating_sub(before).max(1);
            let caret = "^".repeat(self.width.clamp(1, room));
            writeln!(f, "{gutter} |")?;
            writeln!(f, "{number} | {shown}")?;
            writeln!(f, "{gutter} | {indent}{caret}")?;
        }
        write!(f, "{gutter} = help: {}", self.help)
    }
}

/// A tab would move the caret, and a control character would move the terminal.
fn shown_char(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() {
        '\u{fffd}'
    } else {
        c
    }
}

/// Findings in file and line order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts by file, line and column and drops what was found twice.
    pub(crate) fn new(mut found: Vec<Diagnostic>) -> Self {
        found.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.severity, a.code)
                .cmp(&(&b.file, b.line, b.column, b.severity, b.code))
                .then_with(|| a.message.cmp(&b.message))
        });
        found.dedup();
        Self(found)
    }

    /// These findings with a warning about the bundle as a whole.
    pub(crate) fn with_warning(&self, code: Code, message: String, help: String) -> Self {
        let bundle = SourceFile::new(".".to_owned(), String::new());
        let warning = bundle.finding((Severity::Warning, code), Span::START, message, help);
        Self::new(self.0.iter().cloned().chain([warning]).collect())
    }

    /// The findings, in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them keeps the bundle from loading.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// How many have this weight.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

/// What stands for the message about an entry of a list, where people may not see whom it names.
const OF_A_LIST: &str = "this entry has a fault";
/// Where it is told whole.
const OF_A_LIST_HELP: &str = "`doorstep policy check` on the files shows it";

impl Diagnostics {
    /// The findings for logs and answers: those in lists without the line, the message and the help, since they name entries,
    /// and an entry is somebody.
    pub(crate) fn discreet(&self) -> Self {
        let discreet = |found: &Diagnostic| match super::source::list_name(&found.file) {
            None => found.clone(),
            Some(_) => Diagnostic {
                source_line: String::new(),
                message: OF_A_LIST.to_owned(),
                help: OF_A_LIST_HELP.to_owned(),
                ..found.clone()
            },
        };
        Self(self.0.iter().map(discreet).collect())
    }
}

/// The most findings that one log line names.
const LOGGED_MAX: usize = 20;

impl Diagnostics {
    /// The findings in one line for a log: place, code and message, without what stands in the files. Of a list's
    /// findings even the message stays away, since it names entries.
    pub(crate) fn to_log_words(&self) -> String {
        let words = |found: &Diagnostic| {
            let place = format!("{}:{}:{} {}", found.file, found.line, found.column, found.code);
            let is_list = super::source::list_name(&found.file).is_some();
            if is_list { place } else { format!("{place}: {}", found.message) }
        };
        let mut lines: Vec<_> = self.0.iter().take(LOGGED_MAX).map(words).collect();
        if let Some(more) = self.0.len().checked_sub(LOGGED_MAX).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines.join("; ")
    }
}

/// Every finding, with an empty line between two.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn sample() -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: Code::UnknownField,
            file: "transfer.yaml".into(),
            line: 12,
            column: 9,
            source_line: "\twhen: { amonut: 1 }".into(),
            message: "no such field".into(),
            help: "did you mean `metadata.amount`?".into(),
            width: 6,
            skipped: 0,
        }
    }

    #[test]
    fn the_caret_stands_under_the_place_and_tabs_do_not_move_it() {
        let expected = "error[unknown_field]: no such field\n  --> transfer.yaml:12:9\n   |\n12 |  when: { amonut: 1 }\n   |         ^^^^^^\n   = help: did you mean `metadata.amount`?";
        assert_eq!(sample().to_string(), expected);
    }

    #[test]
    fn a_caret_never_leaves_its_line_and_control_characters_never_reach_the_terminal() {
        let wide = Diagnostic { width: 900, source_line: "a\u{1b}[31m".into(), column: 1, ..sample() };
        let text = wide.to_string();
        assert!(text.contains("| ^^^^^^\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn findings_are_ordered_and_said_once() {
        let early = Diagnostic { line: 2, ..sample() };
        let other = Diagnostic { file: "a.yaml".into(), ..sample() };
        let all = Diagnostics::new(vec![sample(), early.clone(), other.clone(), sample()]);
        assert_eq!(all.iter().cloned().collect::<Vec<_>>(), [other, early, sample()]);
    }

    #[test]
    fn a_log_line_names_places_and_no_entry_of_a_list() {
        let list = Diagnostic { file: "lists/frozen.txt".into(), message: "`usr_1` …".into(), ..sample() };
        let words = Diagnostics::new(vec![sample(), list]).to_log_words();
        assert_eq!(
            words,
            "lists/frozen.txt:12:9 unknown_field; transfer.yaml:12:9 unknown_field: no such field"
        );
        let many = (1..=22).map(|line| Diagnostic { line, ..sample() }).collect();
        let words = Diagnostics::new(many).to_log_words();
        assert!(words.ends_with("; and 2 more") && words.matches("transfer.yaml:").count() == 20, "{words}");
    }

    #[test]
    fn json_has_the_documented_members() {
        let json = serde_json::to_value(Diagnostics::new(vec![sample()])).expect("serialises");
        assert_eq!(json[0]["severity"], "error");
        assert_eq!(json[0]["code"], "unknown_field");
        assert_eq!(json[0]["line"], 12);
        assert!(json[0].get("width").is_none());
    }
}
