//! A tree on one line, as a file could have it: for reports that name what stands in a file.

use super::{Entry, Kind, Node};

/// What a line ends with that was cut.
pub(in crate::policy) const CUT_MARK: char = '…';
/// The most characters of a line; what is longer ends in [`CUT_MARK`].
const CHARS_MAX: usize = 100;

impl Node {
    /// The value on one line: `[a, b]`, `{ key: value }` or the text itself, cut where it gets long.
    pub(crate) fn inline(&self) -> String {
        let mut line = Line::default();
        line.node(self);
        line.finish()
    }
}

impl Entry {
    /// The key and its value on one line, cut where it gets long.
    pub(crate) fn inline(&self) -> String {
        let mut line = Line::default();
        line.entry(self);
        line.finish()
    }
}

/// A line that stops growing once it is long: a list of ten thousand entries costs no more than one of twenty.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
}

impl Line {
    fn push(&mut self, text: &str) {
        for c in text.chars().take((CHARS_MAX + 1).saturating_sub(self.chars)) {
            self.text.push(if c.is_control() { ' ' } else { c });
            self.chars += 1;
        }
    }

    const fn is_full(&self) -> bool {
        self.chars > CHARS_MAX
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(text) if text.value.is_empty() => self.push("\"\""),
            Kind::Text(text) => self.push(&text.value),
            Kind::List(items) => self.joined("[", items, "]", Self::node),
            Kind::Map(entries) => self.joined("{ ", entries, " }", Self::entry),
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.push(&entry.key);
        self.push(": ");
        self.node(&entry.value);
    }

    fn joined<T>(&mut self, open: &str, parts: &[T], close: &str, write: fn(&mut Self, &T)) {
        self.push(open);
        for (at, part) in parts.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if at > 0 {
                self.push(", ");
            }
            write(self, part);
        }
        self.push(close);
    }

    fn finish(self) -> String {
        if !self.is_full() {
            return self.text;
        }
        let mut cut: String = self.text.chars().take(CHARS_MAX - 1).collect();
        cut.push(CUT_MARK);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::CHARS_MAX;
    use crate::policy::source::SourceFile;
    use crate::policy::yaml;

    fn inline(text: &str) -> String {
        let file = SourceFile::new("a.yaml".to_owned(), text.to_owned());
        yaml::parse(&file).expect("plain YAML").inline()
    }

    #[test]
    fn a_tree_stands_on_one_line() {
        let cases = [
            ("plain", "plain"),
            ("''", "\"\""),
            ("- a\n- [b, c]\n- \"x\\ty\"\n", "[a, [b, c], x y]"),
            ("a: { b: 1 }\nc:\n  - d\n", "{ a: { b: 1 }, c: [d] }"),
        ];
        for (text, expected) in cases {
            assert_eq!(inline(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_tree_is_cut() {
        let long = inline(&format!("[{}]", vec!["entry"; 1000].join(", ")));
        assert_eq!(long.chars().count(), CHARS_MAX);
        assert!(long.starts_with("[entry, ") && long.ends_with('…'), "{long}");
        let whole = "x".repeat(CHARS_MAX);
        assert_eq!(inline(&whole), whole);
    }
}
