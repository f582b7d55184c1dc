//! YAML as a tree that keeps positions and source text: `0.10` stays `0.10`, `NO` and `010` stay texts.
//!
//! Only the plain part of YAML is read. What lets one place of a file change the meaning of another, or makes a value
//! depend on a schema (anchors, aliases, tags, merge keys, directives, several documents), is refused, and so is a
//! key that stands twice.

use std::collections::HashSet;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, StrInput};

use super::diagnostic::{Code, Diagnostic, Findings, Severity, Span};
use super::reader::FINDINGS_MAX;
use super::source::SourceFile;

mod inline;

pub(super) use inline::CUT_MARK;

/// The deepest nesting of lists and maps.
const DEPTH_MAX: usize = 32;
/// The most texts, lists and maps of one file.
const NODES_MAX: usize = 200_000;

/// A text, list or map, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A scalar, as it is written.
    Text(Text),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in file order, no key twice.
    Map(Vec<Entry>),
}

/// A scalar, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// The characters, without quotes and with escapes resolved.
    pub(crate) value: Box<str>,
    /// Whether it stands without quotes.
    pub(crate) is_plain: bool,
}

impl Text {
    /// Whether nothing is written here, or YAML's words for nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.is_plain && matches!(&*self.value, "" | "~" | "null" | "Null" | "NULL")
    }
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Box<str>,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// What it stands for.
    pub(crate) value: Node,
}

/// Reads a file into a tree.
///
/// # Errors
/// The first place that is not plain YAML, or every key that stands twice; there is no tree then.
pub(crate) fn parse(file: &SourceFile) -> Result<Node, Vec<Diagnostic>> {
    let faults = Findings::up_to(FINDINGS_MAX);
    let mut builder = Builder { file, open: Vec::new(), root: None, nodes: 0, documents: 0, faults };
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.emit_comments = false;
    let parser: Parser<'_, StrInput<'_>> = Parser::new_from_str_with_options(file.text(), options);
    for next in parser {
        let step = next.map_err(|error| builder.syntax(&error)).and_then(|(event, span)| {
            let start = Span { line: span.start.line(), column: span.start.col() + 1, width: 1 };
            let one_line = span.end.line() == span.start.line();
            let width = if one_line { span.end.col().saturating_sub(span.start.col()).max(1) } else { 1 };
            builder.take(event, Span { width, ..start })
        });
        if step.is_err() {
            return Err(file.listed(builder.faults));
        }
    }
    builder.finish()
}

struct Builder<'f> {
    file: &'f SourceFile,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    faults: Findings,
}

/// The fault is noted, and nothing after it can be trusted.
struct Stop;

/// A list or map whose end has not come yet.
enum Open {
    List(Span, Vec<Node>),
    Map(Span, Vec<Entry>, Option<(Box<str>, Span)>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        if event.tag().is_some() {
            return Err(self.feature(span, "a tag (`!…`)"));
        }
        if event.anchor_id().is_some() {
            return Err(self.feature(span, "an anchor (`&…`)"));
        }
        match event {
            Event::Alias(_) | Event::UnresolvedAlias(_) => Err(self.feature(span, "an alias (`*…`)")),
            Event::DocumentStart(_, version) => {
                self.documents += 1;
                if version.is_some() {
                    return Err(self.feature(span, "a directive (`%…`)"));
                }
                if self.documents > 1 { Err(self.feature(span, "a second document (`---`)")) } else { Ok(()) }
            }
            Event::Scalar(value, style, ..) => {
                let is_plain = style == ScalarStyle::Plain;
                self.add(Node { span, kind: Kind::Text(Text { value: value.into(), is_plain }) })
            }
            Event::SequenceStart(..) => self.open(Open::List(span, Vec::new()), span),
            Event::MappingStart(..) => self.open(Open::Map(span, Vec::new(), None), span),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn open(&mut self, container: Open, span: Span) -> Result<(), Stop> {
        if matches!(self.open.last(), Some(Open::Map(_, _, None))) {
            return Err(self.error(
                (Code::WrongShape, span),
                "a key must be a text",
                "write the key as one word; a `{` or `[` in a plain key needs quotes",
            ));
        }
        if self.open.len() >= DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(self.error((Code::Limit, span), &message, "split the condition into several rules"));
        }
        self.open.push(container);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        match self.open.pop() {
            Some(Open::List(span, items)) => self.add(Node { span, kind: Kind::List(items) }),
            Some(Open::Map(span, entries, _)) => {
                self.check_keys(&entries);
                self.add(Node { span, kind: Kind::Map(entries) })
            }
            None => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("more than {NODES_MAX} values in one file");
            return Err(self.error((Code::Limit, node.span), &message, "split the file"));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, waiting)) => match (waiting.take(), node.kind) {
                (Some((key, key_span)), kind) => {
                    entries.push(Entry { key, key_span, value: Node { span: node.span, kind } });
                }
                (None, Kind::Text(text)) => {
                    if text.is_plain && &*text.value == "<<" {
                        return Err(self.feature(node.span, "a merge key (`<<`)"));
                    }
                    *waiting = Some((text.value, node.span));
                }
                // INVARIANT: `open` refuses a list or map where a key belongs.
                (None, Kind::List(_) | Kind::Map(_)) => {}
            },
        }
        Ok(())
    }

    fn check_keys(&mut self, entries: &[Entry]) {
        let mut seen = HashSet::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| !seen.insert(&*entry.key)) {
            let message = format!("the key `{}` stands twice in this map", entry.key);
            let help = "keep one of the two; a later one never overrides an earlier one here";
            _ = self.error((Code::DuplicateKey, entry.key_span), &message, help);
        }
    }

    fn finish(self) -> Result<Node, Vec<Diagnostic>> {
        if self.faults.has_errors() {
            return Err(self.file.listed(self.faults));
        }
        self.root.ok_or_else(|| {
            let message = "the file is empty".to_owned();
            let help = "write something into it, or remove it".to_owned();
            vec![self.file.finding((Severity::Error, Code::Empty), Span::START, message, help)]
        })
    }

    fn syntax(&mut self, error: &ScanError) -> Stop {
        let at = error.marker();
        let span = Span { line: at.line(), column: at.col() + 1, width: 1 };
        let message = format!("not YAML: {}", error.info());
        let help =
            "indent with spaces, close every bracket and quote, and quote texts with `: ` or ` #` in them";
        self.error((Code::YamlSyntax, span), &message, help)
    }

    fn feature(&mut self, span: Span, what: &str) -> Stop {
        let message = format!("{what} has no place in a policy file");
        let help = "write the value out: every line of a policy means what it says where it stands; \
                    a text that starts with & * ! or % needs quotes";
        self.error((Code::YamlFeature, span), &message, help)
    }

    /// Notes a fault; whether reading can go on after it is for the caller to say.
    fn error(&mut self, (code, span): (Code, Span), message: &str, help: &str) -> Stop {
        let kind = (Severity::Error, code);
        let file = self.file;
        self.faults.note(kind.0, || file.finding(kind, span, message.to_owned(), help.to_owned()));
        Stop
    }
}

#[cfg(test)]
mod tests;
