//! Walking a tree: each step either hands over what it asked for or notes a fault and goes on.
//!
//! Everything returns an `Option`: `None` means that the fault is noted already, so the caller says nothing more about
//! it and looks at the next thing. This is how one run finds all faults.

use super::diagnostic::{Code, Diagnostic, Findings, Severity, Span};
use super::grammar::Table;
use super::source::SourceFile;
use super::suggest::did_you_mean;
use super::yaml::{Entry, Kind, Node};

/// The most errors of one file that are shown, and the most warnings.
pub(crate) const FINDINGS_MAX: usize = 200;

/// A file being checked, and what was found in it so far.
#[derive(Debug)]
pub(crate) struct Reader<'f> {
    file: &'f SourceFile,
    found: Findings,
}

/// A map, its position and what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map<'n> {
    /// Where it begins.
    pub(crate) span: Span,
    /// Its entries in file order.
    pub(crate) entries: &'n [Entry],
}

impl<'n> Map<'n> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, for its position.
    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }
}

impl<'f> Reader<'f> {
    /// Starts on a file.
    pub(crate) const fn new(file: &'f SourceFile) -> Self {
        Self { file, found: Findings::up_to(FINDINGS_MAX) }
    }

    /// The name of the file.
    pub(crate) fn file_name(&self) -> &str {
        self.file.name()
    }

    /// Hands over what was found.
    pub(crate) fn into_findings(self) -> Vec<Diagnostic> {
        self.file.listed(self.found)
    }

    /// How many findings there are so far: tells whether a stretch of work found any.
    pub(crate) const fn count(&self) -> usize {
        self.found.count()
    }

    /// Notes a fault.
    pub(crate) fn fault(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note((Severity::Error, code), span, message, help);
    }

    /// Notes something that loads but should be looked at.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note((Severity::Warning, code), span, message, help);
    }

    fn note(
        &mut self,
        kind: (Severity, Code),
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let file = self.file;
        self.found.note(kind.0, || file.finding(kind, span, message.into(), help.into()));
    }

    /// Takes a map that has at least one entry.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Map<'n>> {
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => Some(Map { span: node.span, entries }),
            Kind::Map(_) => self.nothing(node.span, what, "a map, `key: value`"),
            _ => self.shape(node, what, "a map, `key: value`"),
        }
    }

    /// Takes a map whose keys are all in the table; each other key is a fault, and the rest is still read.
    pub(crate) fn closed_map<'n>(&mut self, node: &'n Node, what: &str, table: &Table) -> Option<Map<'n>> {
        let map = self.map(node, what)?;
        let known = table.names();
        for entry in map.entries.iter().filter(|entry| !known.contains(&&*entry.key)) {
            let message = format!("unknown key `{}` in {what}", entry.key);
            self.fault(Code::UnknownKey, entry.key_span, message, did_you_mean(&entry.key, &known));
        }
        Some(map)
    }

    /// Takes the value of a key that must be there.
    pub(crate) fn required<'n>(&mut self, map: &Map<'n>, key: &str, what: &str) -> Option<&'n Node> {
        let found = map.get(key);
        if found.is_none() {
            let message = format!("{what} has no `{key}`");
            self.fault(Code::MissingKey, map.span, message, format!("add `{key}:`"));
        }
        found
    }

    /// Takes a list; an empty one is for the caller to judge.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            _ => self.shape(node, what, "a list, `[a, b]`"),
        }
    }

    /// Takes a list that has at least one item.
    pub(crate) fn some_list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        let items = self.list(node, what)?;
        if items.is_empty() {
            self.nothing(node.span, what, "a list of at least one item")
        } else {
            Some(items)
        }
    }

    /// Takes a list with at least one item, or one text instead of a list of one.
    pub(crate) fn one_or_more<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::Text(_) => Some(std::slice::from_ref(node)),
            Kind::List(_) => self.some_list(node, what),
            Kind::Map(_) => self.shape(node, what, "a text or a list of texts"),
        }
    }

    /// Takes a text that is not empty.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.kind {
            Kind::Text(text) if text.is_nothing() || text.value.is_empty() => {
                self.nothing(node.span, what, "a text")
            }
            Kind::Text(text) => Some(&text.value),
            _ => self.shape(node, what, "a text"),
        }
    }

    /// Takes a text that is one of the `known` words.
    pub(crate) fn word<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if known.contains(&text) {
            return Some(text);
        }
        let message = format!("{what} cannot be `{text}`");
        self.fault(Code::UnknownValue, node.span, message, did_you_mean(text, known));
        None
    }

    /// Takes `true` or `false`, nothing else: `yes` and `on` are texts here.
    pub(crate) fn truth(&mut self, node: &Node, what: &str) -> Option<Truth> {
        let text = self.text(node, what)?;
        match text {
            "true" => Some(Truth::Yes),
            "false" => Some(Truth::No),
            _ => {
                let message = format!("{what} is neither `true` nor `false`");
                self.fault(Code::BadLiteral, node.span, message, "write `true` or `false`");
                None
            }
        }
    }

    /// Notes each text of a list that stands there before.
    pub(crate) fn refuse_repeats(&mut self, items: &[(Span, &str)], what: &str) {
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        for (span, text) in items {
            if !seen.insert(*text) {
                let message = format!("`{text}` stands twice in {what}");
                self.fault(Code::DuplicateItem, *span, message, "remove one of the two");
            }
        }
    }

    fn shape<T>(&mut self, node: &Node, what: &str, wanted: &str) -> Option<T> {
        let is = match node.kind {
            Kind::Text(ref text) if text.is_nothing() => return self.nothing(node.span, what, wanted),
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        };
        self.fault(
            Code::WrongShape,
            node.span,
            format!("{what} is {is}"),
            format!("{what} must be {wanted}"),
        );
        None
    }

    fn nothing<T>(&mut self, span: Span, what: &str, wanted: &str) -> Option<T> {
        self.fault(Code::Empty, span, format!("{what} is empty"), format!("{what} must be {wanted}"));
        None
    }
}

/// `true` or `false` as a file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// `true`.
    Yes,
    /// `false`.
    No,
}

impl Truth {
    /// Whether the file says `true`.
    pub(crate) const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}
