//! What an option is: its key, its shape, what holds without it, and the checks that every value passes.

use super::fault::{Code, Fault};
use super::shape::{Shape, Wrong};
use super::source::{Entry, variable};

/// What holds when nobody sets an option.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent {
    /// This value, as a file would write it between quotes or bare; `config/default.toml` sets it.
    Default(&'static str),
    /// Nothing: it must be set.
    Required {
        /// A value to show.
        #[cfg_attr(not(test), expect(dead_code, reason = "the generated default.toml shows it"))]
        example: &'static str,
    },
    /// What the words say.
    Otherwise {
        /// Continues "default:".
        words: &'static str,
        /// A value to show; `None` where none may be shown.
        #[cfg_attr(not(test), expect(dead_code, reason = "the generated default.toml shows it"))]
        example: Option<&'static str>,
    },
}

/// An option.
pub(super) struct Opt<S> {
    /// Its path, such as `server.bind`.
    pub(super) key: &'static str,
    /// What it is for, in sentences.
    pub(super) doc: &'static str,
    /// What holds without it.
    pub(super) absent: Absent,
    /// How it is written and what it becomes.
    pub(super) shape: S,
}

impl<S: Shape> Opt<S> {
    /// Reads what an entry of this option says.
    ///
    /// # Errors
    /// The fault, at the entry's place. It never quotes the value.
    pub(super) fn read(&self, entry: &Entry) -> Result<S::Value, Fault> {
        if self.shape.is_secret() && !entry.is_from_environment() {
            return Err(Fault::at(&entry.key, &entry.key_at, exposed(&entry.key)));
        }
        self.read_text(entry).map_err(|wrong| Fault::at(&entry.key, &entry.value_at, wrong))
    }

    fn read_text(&self, entry: &Entry) -> Result<S::Value, Wrong> {
        if let Some(written) = entry.written
            && !self.shape.takes(written)
        {
            let message = format!("is {} and should be {}", written.as_str(), self.shape.written().as_str());
            return Err(Wrong::of_type(&message, &format!("expected: {}", self.shape.describe())));
        }
        let text = entry.text();
        if text.is_empty() {
            return Err(Wrong::impossible("is empty", "give it a value, or leave it out"));
        }
        if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err(Wrong::impossible("has a control character or is not Unicode", "retype it by hand"));
        }
        self.shape.read(text)
    }
}

fn exposed(key: &str) -> Wrong {
    let help = format!(
        "set {} in the environment or name a file in {key}_file, remove it here, and replace the secret if others \
         could have read it",
        variable(key)
    );
    Wrong::new(Code::SecretExposed, "is a secret and may not stand here", help)
}

/// An option of whatever type.
pub(super) trait AnyOption: Sync {
    /// Its path.
    fn key(&self) -> &'static str;
    /// What it is for.
    fn doc(&self) -> &'static str;
    /// What holds without it.
    fn absent(&self) -> Absent;
    /// Its type, for people.
    fn describe(&self) -> String;
    /// Whether a file writes it without quotes.
    #[cfg(test)]
    fn is_bare(&self) -> bool;
    /// What is wrong with an entry of this option.
    fn check(&self, entry: &Entry) -> Option<Fault>;
}

impl<S: Shape + Sync> AnyOption for Opt<S> {
    fn key(&self) -> &'static str {
        self.key
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn absent(&self) -> Absent {
        self.absent
    }

    fn describe(&self) -> String {
        self.shape.describe()
    }

    #[cfg(test)]
    fn is_bare(&self) -> bool {
        self.shape.is_bare()
    }

    fn check(&self, entry: &Entry) -> Option<Fault> {
        self.read(entry).err()
    }
}
