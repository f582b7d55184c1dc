//! What is wrong with the settings: a stable code, the place, the key, a sentence and a way out.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::shape::Wrong;

/// The kind of a fault. Its name is stable: scripts may match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// A file that settings name cannot be read.
    FileUnreadable,
    /// A file is longer than its limit.
    FileTooLarge,
    /// A file is not UTF-8.
    FileNotText,
    /// A file is not TOML.
    Syntax,
    /// There is no such option.
    UnknownKey,
    /// The value is of another type than the option's.
    WrongType,
    /// The value has the right type and cannot be.
    ImpossibleValue,
    /// A secret stands where it can be read: in a settings file or on a command line.
    SecretExposed,
    /// Two options that exclude each other are both set.
    BothGiven,
    /// An option without a default is not set.
    Missing,
    /// Only development mode may do this.
    DevelopmentOnly,
}

impl Code {
    /// The code's stable name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FileUnreadable => "file_unreadable",
            Self::FileTooLarge => "file_too_large",
            Self::FileNotText => "file_not_text",
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown_key",
            Self::WrongType => "wrong_type",
            Self::ImpossibleValue => "impossible_value",
            Self::SecretExposed => "secret_exposed",
            Self::BothGiven => "both_given",
            Self::Missing => "missing",
            Self::DevelopmentOnly => "development_only",
        }
    }
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Place {
    /// In a file, at a character.
    At {
        /// The file as it was named.
        file: Arc<str>,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// A file as a whole.
    File {
        /// The file as it was named.
        file: Arc<str>,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        variable: Arc<str>,
    },
    /// A flag of the command line.
    Flag {
        /// The flag with its dashes.
        flag: &'static str,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::File { file } => f.write_str(file),
            Self::Variable { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// What kind of thing.
    pub(crate) code: Code,
    /// The path of the key, such as `server.bind`; empty for a file as a whole.
    pub(crate) key: Box<str>,
    /// Where; `None` for what is written nowhere.
    pub(crate) place: Option<Place>,
    /// What is wrong, without quoting a value.
    pub(crate) message: Box<str>,
    /// What to do about it.
    pub(crate) help: Box<str>,
}

impl Fault {
    /// Says what is wrong with a key at a place.
    pub(super) fn at(key: &str, place: &Place, wrong: Wrong) -> Self {
        let Wrong { code, message, help } = wrong;
        Self { code, key: key.into(), place: Some(place.clone()), message: message.into(), help: help.into() }
    }
}

/// Three lines: code, key and sentence; the place; the way out.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code.as_str())?;
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        writeln!(f, "{}", self.message)?;
        if let Some(place) = &self.place {
            writeln!(f, "  --> {place}")?;
        }
        writeln!(f, "  help: {}", self.help)
    }
}

/// Everything that is wrong with the settings: by layer, within a file from top to bottom, what is missing last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub(crate) struct ConfigFaults {
    faults: Vec<Fault>,
}

impl ConfigFaults {
    /// Holds what was found.
    pub(super) const fn new(faults: Vec<Fault>) -> Self {
        Self { faults }
    }

    /// The faults, in order.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The faults as JSON: `{"faults": [{"code", "key", "place", "message", "help"}]}`, where `place` is null or has
    /// `file` with or without `line` and `column`, or `variable`, or `flag`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "faults": self.faults })
    }
}

/// For people: a block for each fault, a blank line between blocks.
impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}
