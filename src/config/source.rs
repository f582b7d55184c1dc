//! Readers: each turns a source into entries that know where they were written and keep their own text.

mod environment;
mod toml_file;

use secrecy::{ExposeSecret as _, SecretString};

use super::Override;
use super::fault::{Fault, Place};
use super::shape::Written;

pub(super) use environment::{environment, is_ours, variable};
pub(super) use toml_file::{Unread, built_in, file, read};

#[cfg(any(test, feature = "testing"))]
pub(super) use toml_file::of_text;

/// A value as it was written, not yet checked.
#[derive(Debug)]
pub(super) struct Entry {
    /// The path of its key; a part that is not a bare key stands in quotes, so that it never looks like two.
    pub(super) key: Box<str>,
    /// Where the key stands.
    pub(super) key_at: Place,
    /// Where the value stands.
    pub(super) value_at: Place,
    /// What it is in a file; `None` for a variable or flag, whose text is read as the option's type asks.
    pub(super) written: Option<Written>,
    /// Its own text. Any value may be a secret in the wrong place, so none prints.
    text: SecretString,
}

impl Entry {
    fn outside_files(key: &str, place: Place, text: String) -> Self {
        Self { key: key.into(), key_at: place.clone(), value_at: place, written: None, text: text.into() }
    }

    /// The value's text: a string without its quotes, a whole number in decimal digits.
    pub(super) fn text(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether the value came from an environment variable.
    pub(super) const fn is_from_environment(&self) -> bool {
        matches!(self.value_at, Place::Variable { .. })
    }
}

/// What one source says.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// Its values, in the order of its text or names.
    pub(super) entries: Vec<Entry>,
    /// What is wrong with the source itself.
    pub(super) faults: Vec<Fault>,
    /// Whether it could not be read, so that nobody knows what it would have set.
    pub(super) is_unread: bool,
}

impl Layer {
    const fn of(entries: Vec<Entry>) -> Self {
        Self { entries, faults: Vec::new(), is_unread: false }
    }

    const fn unread(faults: Vec<Fault>) -> Self {
        Self { entries: Vec::new(), faults, is_unread: true }
    }
}

/// Takes what flags say.
pub(super) fn overrides(overrides: Vec<Override>) -> Layer {
    let entry = |Override { key, text, flag }| Entry::outside_files(key, Place::Flag { flag }, text);
    Layer::of(overrides.into_iter().map(entry).collect())
}
