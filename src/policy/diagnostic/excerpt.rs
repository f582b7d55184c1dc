//! What a finding shows of texts that may be as long as a file.

/// The most characters of a line that a finding shows.
const SHOWN_CHARS_MAX: usize = 400;
/// The most characters of a finding's message, and of its way out: what they quote may be as long as a file.
const MESSAGE_CHARS_MAX: usize = 4000;

/// A line; of a long one what stands around a place, and how many characters of the line stand before that.
pub(crate) fn around(line: &str, column: usize) -> (String, usize) {
    if line.len() <= SHOWN_CHARS_MAX {
        return (line.to_owned(), 0);
    }
    let skipped = column.saturating_sub(SHOWN_CHARS_MAX / 2);
    (line.chars().skip(skipped).take(SHOWN_CHARS_MAX).collect(), skipped)
}

/// A text, cut where it is very long.
pub(crate) fn cut(text: String) -> String {
    let end = text.char_indices().nth(MESSAGE_CHARS_MAX).map(|(at, _)| at);
    match end.and_then(|end| text.get(..end)) {
        Some(start) => format!("{start}…"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::diagnostic::{Code, Severity, Span};
    use crate::policy::source::SourceFile;

    #[test]
    fn a_finding_stays_short_however_long_its_line_and_words() {
        let file =
            SourceFile::new("a.yaml".to_owned(), format!("{}HERE{}", "ä".repeat(5000), "ö".repeat(5000)));
        let span = Span { line: 1, column: 5001, width: 4 };
        let kind = (Severity::Error, Code::Empty);
        let found = file.finding(kind, span, "x".repeat(1_000_000), "help".to_owned());
        assert_eq!(found.source_line.chars().count(), SHOWN_CHARS_MAX);
        assert_eq!(found.message.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert_eq!((found.column, &*found.help), (5001, "help"));
        let shown = found.to_string();
        let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
        let carets = lines.iter().find(|line| line.ends_with(&['^'; 4])).expect("a caret line");
        let source = lines.iter().find(|line| line.contains(&'H')).expect("the source line");
        assert_eq!(source[carets.len() - 4..][..4], ['H', 'E', 'R', 'E']);
    }
}
