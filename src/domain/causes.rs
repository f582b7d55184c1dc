//! Why something failed, down to the first cause, in one line.

use std::error::Error;
use std::fmt;

/// An error and all that is behind it, outermost first: `the record could not be read: disk I/O error`.
///
/// For every `error` field of a log line: the log's JSON form would show the outermost words only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Causes<'e>(&'e dyn Error);

/// Says an error with its causes. A cause with whose words the error before it ends is not said twice.
pub(crate) const fn causes<'e>(error: &'e (dyn Error + 'e)) -> Causes<'e> {
    Causes(error)
}

impl Causes<'_> {
    /// With the line ends that an error has, for people at a terminal.
    pub(crate) fn in_lines(self) -> String {
        let mut text = String::new();
        for cause in std::iter::successors(Some(self.0), |&cause| cause.source()) {
            let words = cause.to_string();
            if text.is_empty() {
                text = words;
            } else if !text.ends_with(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
        }
        text
    }
}

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_lines().replace(['\n', '\r'], " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Fault {
        words: &'static str,
        #[source]
        cause: Option<Box<Self>>,
    }

    fn chain(words: &[&'static str]) -> Option<Box<Fault>> {
        let (words, rest) = words.split_first()?;
        Some(Box::new(Fault { words, cause: chain(rest) }))
    }

    fn check(words: &[&'static str], expected: &str) {
        let fault = chain(words).expect("a fault");
        assert_eq!(causes(&*fault).to_string(), expected);
    }

    #[test]
    fn every_cause_is_said_once_in_one_line() {
        check(&["no record"], "no record");
        check(&["no record", "the disk", "is\nfull"], "no record: the disk: is full");
        check(&["no record: the disk", "the disk", "it is full"], "no record: the disk: it is full");
    }
}
