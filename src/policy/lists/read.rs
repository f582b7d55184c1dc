//! Reading `lists/NAME.txt`: one entry a line.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{AddressList, Count, MapList, NEVER, Ranges, TextList};
use crate::domain::Timestamp;
use crate::policy::addresses::{RangeFault, parse_range};
use crate::policy::calendar::{day, end_of};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::reader::Reader;
use crate::policy::source::SourceFile;

/// The most entries of a list.
pub(crate) const ENTRIES_MAX: usize = 1_000_000;
/// The most values of a mapping list.
const VALUES_MAX: usize = 10_000;
/// The most findings of one list that are listed one by one.
const FINDINGS_MAX: usize = 20;
const UNTIL: &str = "until=";

/// The lists of a bundle, by name.
#[derive(Debug, Default)]
pub(crate) struct ReadLists<'f>(BTreeMap<&'f str, ReadList<'f>>);

impl<'f> ReadLists<'f> {
    /// Takes lists that were read.
    pub(crate) fn new(lists: Vec<ReadList<'f>>) -> Self {
        Self(lists.into_iter().map(|list| (list.name, list)).collect())
    }

    /// The list of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&ReadList<'f>> {
        self.0.get(name)
    }

    /// Every list, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ReadList<'f>> {
        self.0.values()
    }

    /// What the bundle keeps of them.
    pub(crate) fn into_kept(self) -> BTreeMap<Box<str>, KeptList> {
        let kept = |list: ReadList<'_>| {
            (list.name.into(), KeptList { content: list.content, entries: list.entries })
        };
        self.0.into_values().map(kept).collect()
    }

    /// Every name, sorted.
    pub(crate) fn names(&self) -> Vec<&'f str> {
        self.0.keys().copied().collect()
    }
}

/// A list and the file that it stands in.
#[derive(Debug)]
pub(crate) struct ReadList<'f> {
    /// Its name: that of the file, without the ending.
    pub(crate) name: &'f str,
    /// The file.
    pub(crate) file: &'f SourceFile,
    /// What stands in it.
    pub(crate) content: Content,
    /// How many entries it has.
    pub(crate) entries: usize,
}

/// A list as a bundle keeps it.
#[derive(Debug)]
pub(crate) struct KeptList {
    /// What stands in its file.
    pub(crate) content: Content,
    /// How many entries its file has.
    pub(crate) entries: usize,
}

/// What a list holds: its first entry decides which kind it is.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Nothing, or nothing that is known: fits every use.
    Nothing,
    /// Texts.
    Texts(Arc<TextList>),
    /// Addresses and ranges.
    Addresses(Arc<AddressList>),
    /// Ranges with a value each.
    Mapping(Arc<MapList>),
}

/// An entry as it stands in its line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'t> {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is listed.
    pub(crate) value: &'t str,
    /// The last word, when it has a `=` in it.
    word: Option<&'t str>,
    raw: &'t str,
}

impl<'t> Entry<'t> {
    /// Reads one line; nothing where it is empty or only a comment.
    ///
    /// - `number`: of the line, from 1.
    fn of(number: usize, raw: &'t str) -> Option<Self> {
        let raw = if number == 1 { raw.trim_start_matches('\u{feff}') } else { raw };
        let comment = raw.char_indices().scan(true, |after_blank, (at, c)| {
            let begins = *after_blank && c == '#';
            *after_blank = c.is_whitespace();
            Some(begins.then_some(at))
        });
        let end = if raw.contains('#') { comment.flatten().next() } else { None };
        let content = raw.get(..end.unwrap_or(raw.len())).unwrap_or(raw);
        let content = content.trim();
        if content.is_empty() {
            return None;
        }
        let (value, word) = match content.rsplit_once(char::is_whitespace) {
            Some((value, word)) if word.contains('=') => (value.trim_end(), Some(word)),
            None if content.starts_with(UNTIL) => ("", Some(content)),
            _ => (content, None),
        };
        Some(Self { line: number, value, word, raw })
    }

    /// Where a part of the line stands.
    fn span_of(&self, part: &str) -> Span {
        let before = self.raw.find(part).and_then(|at| self.raw.get(..at)).unwrap_or_default();
        Span { line: self.line, column: before.chars().count() + 1, width: part.chars().count().max(1) }
    }
}

/// The entries of a list's text, comments and empty lines left out.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    text.lines().enumerate().filter_map(|(at, raw)| Entry::of(at + 1, raw))
}

/// Reads a list. One with faults is still there under its name, so that nobody complains that it is missing.
pub(crate) fn list<'f>(reader: &mut Reader<'_>, name: &'f str, file: &'f SourceFile) -> ReadList<'f> {
    let count = entries(file.text()).fold(Count::default(), |count, entry| Count {
        entries: count.entries + 1,
        v6: count.v6 + usize::from(entry.value.contains(':')),
    });
    if count.entries > ENTRIES_MAX {
        let message = format!("the list has more than {ENTRIES_MAX} entries");
        reader.fault(Code::Limit, Span::START, message, "split it, and ask for both with `any`");
        return ReadList { name, file, content: Content::Nothing, entries: count.entries };
    }
    let mut lines = Lines { reader, name, file, count, faults: 0, repeats: 0 };
    let content = match entries(file.text()).next() {
        None => Content::Nothing,
        Some(first) if mapped(first.value).is_some_and(|(range, _)| is_address(range)) => lines.mapping(),
        Some(first) if is_address(first.value) => lines.addresses(),
        Some(_) => lines.texts(),
    };
    // What a list with faults holds is not known, so nobody complains that it does not fit.
    let content = if lines.faults == 0 { content } else { Content::Nothing };
    lines.close();
    ReadList { name, file, content, entries: count.entries }
}

/// Whether a text alone would be read as one whole entry, without comment or end.
pub(crate) fn is_one_entry(text: &str) -> bool {
    !text.contains(char::is_control)
        && Entry::of(1, text).is_some_and(|entry| entry.value == text && entry.word.is_none())
}

/// Whether the text means to be an address or range, be it a good one or not.
pub(crate) fn is_address(text: &str) -> bool {
    !matches!(parse_range(text), Err(RangeFault::Form))
}

/// Takes `RANGE,VALUE` apart.
pub(crate) fn mapped(text: &str) -> Option<(&str, &str)> {
    text.split_once(',').map(|(range, value)| (range.trim(), value.trim()))
}

struct Lines<'l, 'r, 'f> {
    reader: &'l mut Reader<'r>,
    name: &'f str,
    file: &'f SourceFile,
    count: Count,
    faults: usize,
    repeats: usize,
}

impl<'f> Lines<'_, '_, 'f> {
    fn entries(&self) -> impl Iterator<Item = Entry<'f>> + use<'f> {
        entries(self.file.text())
    }

    fn texts(&mut self) -> Content {
        let mut list = TextList::new(self.name, self.count.entries);
        for entry in self.entries() {
            let Some(until) = self.until(&entry) else { continue };
            if entry.value.chars().any(char::is_control) {
                let help = "an entry is one line of printable characters";
                self.fault(entry.span_of(entry.value), "a control character in an entry", help);
                continue;
            }
            if list.names(entry.value) {
                self.repeated(&entry);
            }
            if until == NEVER {
                list.until.remove(entry.value);
                list.forever.insert(entry.value.into());
            } else if !list.forever.contains(entry.value) {
                let slot = list.until.entry(entry.value.into()).or_insert(until);
                *slot = until.max(*slot);
            }
        }
        Content::Texts(Arc::new(list))
    }

    fn addresses(&mut self) -> Content {
        let mut ranges = Ranges::with_capacity(self.count);
        for entry in self.entries() {
            let Some(until) = self.until(&entry) else { continue };
            if let Some(net) = self.range(&entry, entry.value) {
                ranges.add(net, until);
            }
        }
        let list = AddressList::of(self.name, ranges);
        if list.has_repeats() {
            let mut seen = HashSet::with_capacity(self.count.entries);
            for entry in self.entries() {
                if parse_range(entry.value).is_ok_and(|net| !seen.insert(net)) {
                    self.repeated(&entry);
                }
            }
        }
        Content::Addresses(Arc::new(list))
    }

    fn mapping(&mut self) -> Content {
        let mut ranges = Ranges::with_capacity(self.count);
        let mut values: Vec<Box<str>> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for entry in self.entries() {
            let Some((range, value)) = self.pair(&entry) else { continue };
            let Some(net) = self.range(&entry, range) else { continue };
            let place = *places.entry(value).or_insert_with(|| {
                values.push(value.into());
                values.len() - 1
            });
            ranges.add(net, place);
        }
        if values.len() > VALUES_MAX {
            let message = format!("the list has more than {VALUES_MAX} different values");
            self.reader.fault(Code::Limit, Span::START, message, "split it by value");
        }
        let list = MapList::of(self.name, ranges, values);
        if list.has_repeats() {
            self.repeated_ranges();
        }
        Content::Mapping(Arc::new(list))
    }

    /// Finds the lines of a mapping list whose range stands in an earlier one: the same value twice does no harm.
    fn repeated_ranges(&mut self) {
        let mut seen = HashMap::with_capacity(self.count.entries);
        for entry in self.entries() {
            let Some((range, value)) = mapped(entry.value) else { continue };
            let Ok(net) = parse_range(range) else { continue };
            match seen.insert(net, value) {
                None => {}
                Some(before) if before == value => self.repeated(&entry),
                Some(_) => {
                    let message = format!("`{range}` has another value in an earlier line");
                    let help = "keep one of the two: a range has one value";
                    self.note(Code::DuplicateItem, entry.span_of(entry.value), &message, help);
                }
            }
        }
    }

    fn pair(&mut self, entry: &Entry<'f>) -> Option<(&'f str, &'f str)> {
        if let Some(word) = entry.word {
            let help = "remove it: a mapping list says what an address is, not for how long";
            self.fault(entry.span_of(word), "an entry of a mapping list has no end", help);
            return None;
        }
        let pair = mapped(entry.value).filter(|(_, value)| !value.is_empty());
        if pair.is_none() {
            let help =
                "the list begins with a range and its value: write `198.51.100.0/24,value` in every line";
            self.fault(entry.span_of(entry.value), "not a range with a value", help);
        }
        pair
    }

    /// Until when an entry counts; `None` when it has a fault.
    fn until(&mut self, entry: &Entry<'_>) -> Option<Timestamp> {
        let Some(word) = entry.word else { return Some(NEVER) };
        let until = word.strip_prefix(UNTIL).and_then(day).map(end_of);
        if until.is_none() || entry.value.is_empty() {
            let help = "write the entry, a blank and its last day: `usr_1 until=2026-12-31`";
            self.fault(entry.span_of(word), "not an entry with its last day", help);
            return None;
        }
        until
    }

    fn range(&mut self, entry: &Entry<'_>, text: &str) -> Option<ipnet::IpNet> {
        let fault = match parse_range(text) {
            Ok(net) => return Some(net),
            Err(fault) => fault,
        };
        let help = match &fault {
            RangeFault::Form => "the list begins with an address, so every entry is one".to_owned(),
            RangeFault::HostBits(net) => format!("write `{net}`, or the address alone"),
            RangeFault::Mapped => "write the IPv4 range instead".to_owned(),
        };
        self.fault(entry.span_of(text), &format!("`{text}` is {fault}"), &help);
        None
    }

    fn repeated(&mut self, entry: &Entry<'_>) {
        self.repeats += 1;
        if self.repeats <= FINDINGS_MAX {
            let message = format!("`{}` stands in an earlier line already", entry.value);
            let help = "remove one of the two; until then the one that ends later counts";
            self.reader.warning(Code::ListRepeats, entry.span_of(entry.value), message, help);
        }
    }

    fn fault(&mut self, span: Span, message: &str, help: &str) {
        self.note(Code::BadLiteral, span, message, help);
    }

    fn note(&mut self, code: Code, span: Span, message: &str, help: &str) {
        self.faults += 1;
        if self.faults <= FINDINGS_MAX {
            self.reader.fault(code, span, message, help);
        }
    }

    fn close(self) {
        let left_out = [self.faults, self.repeats].map(|count| count.saturating_sub(FINDINGS_MAX));
        let left_out: usize = left_out.iter().sum();
        if left_out > 0 {
            let message = format!("{left_out} more findings in this list");
            self.reader.warning(Code::Limit, Span::START, message, "see to the ones that are shown first");
        }
    }
}
