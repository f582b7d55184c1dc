//! The tables of identity-check providers, taken together: what each needs, and what its scheme has no use for.

use std::collections::BTreeSet;

use secrecy::zeroize::Zeroizing;

use super::fault::{Code, Fault};
use super::layers::Merged;
use super::option::{AnyOption, Opt};
use super::options::callbacks as o;
use super::shape::{Secret, Shape, Text, Wrong};
use super::source::{self, variable};
use super::values::{SecretText, SignedParts};
use crate::domain::{
    GenericSigning, OutcomeWords, Overrides, Pointer, Scheme, SecretBytes, SignatureText, Signed, SignedHash,
    SourceName, SourceSpec,
};
use std::path::PathBuf;

/// The most providers.
const SOURCES_MAX: usize = 64;

/// The longest name of one.
const NAME_CHARS_MAX: usize = 32;

/// The most values that one may require.
const REQUIRED_MAX: usize = 32;

/// Options of [`Scheme::Generic`] alone.
static GENERIC_ONLY: [&dyn AnyOption; 7] = [
    &o::SIGNATURE_HEADER,
    &o::SIGNATURE_PREFIX,
    &o::SIGNATURE_ENCODING,
    &o::SIGNATURE_HASH,
    &o::SIGNED,
    &o::TIMESTAMP_HEADER,
    &o::ID_HEADER,
];

/// Options of schemes whose words mean what the settings say.
static WORDS_ONLY: [&dyn AnyOption; 6] =
    [&o::OUTCOME, &o::APPROVED, &o::REJECTED, &o::PENDING, &o::EXPIRED, &o::RESET];

/// What is wrong with the key of an entry, whatever its value.
pub(super) fn misnamed(key: &str) -> Option<Wrong> {
    let name = key.strip_prefix("callbacks.")?.split('.').next().unwrap_or_default();
    if is_name(name) {
        return None;
    }
    let help = "call it such as [callbacks.sumsub_kyc]: a-z, 0-9 and single _, from a letter on, at most 32";
    Some(Wrong::impossible("stands in a table whose name is no provider's", help))
}

/// Double underscores would part a variable's name, and `-` could not stand in one.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let well_set = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('_');
    well_set && name.len() <= NAME_CHARS_MAX && name.chars().all(is_plain) && !name.contains("__")
}

/// Builds every provider whose table is whole, and tells what is wrong with the others.
///
/// Values that are faults by themselves are known by then; nothing is told twice.
pub(super) fn specs(merged: &Merged) -> (Vec<SourceSpec>, Vec<Fault>) {
    let names: BTreeSet<_> = merged.callback_keys().filter_map(o::split).map(|(name, _)| name).collect();
    let mut faults = Vec::new();
    if names.len() > SOURCES_MAX {
        let message = format!("has more than {SOURCES_MAX} tables");
        faults.push(Fault {
            code: Code::ImpossibleValue,
            key: "callbacks".into(),
            place: None,
            message: message.into(),
            help: "remove some".into(),
        });
    }
    let mut specs = Vec::new();
    for name in names.into_iter().filter(|name| is_name(name)) {
        let mut table = Table { merged, name, faults: Vec::new() };
        specs.extend(table.spec());
        faults.append(&mut table.faults);
    }
    (specs, faults)
}

/// One provider's table.
struct Table<'m> {
    merged: &'m Merged,
    name: &'m str,
    faults: Vec<Fault>,
}

impl Table<'_> {
    fn spec(&mut self) -> Option<SourceSpec> {
        let scheme = self.required(&o::SCHEME);
        let secrets = scheme.map(|scheme| self.secrets(scheme));
        let steps = self.required(&o::STEPS);
        let requires = self.requires();
        let overrides = Overrides {
            reference: self.get(&o::REFERENCE),
            id: self.get(&o::EVENT_ID),
            happened_at: self.get(&o::HAPPENED_AT),
            reason: self.get(&o::REASON),
        };
        let scheme = scheme?;
        let signing = self.signing(scheme);
        let words = self.words(scheme);
        // INVARIANT: what is missing here is a fault by now, so `build` never returns settings without it.
        Some(SourceSpec {
            name: SourceName::new(self.name).ok()?,
            scheme,
            signing,
            words,
            secrets: secrets?,
            steps: steps?,
            requires,
            overrides,
        })
    }

    fn key<S>(&self, option: &Opt<S>) -> String {
        o::key_of(option.key, self.name)
    }

    fn get<S: Shape>(&self, option: &Opt<S>) -> Option<S::Value> {
        option.read(self.merged.winner(&self.key(option))?).ok()
    }

    fn required<S: Shape>(&mut self, option: &Opt<S>) -> Option<S::Value> {
        let key = self.key(option);
        if self.merged.winner(&key).is_none() {
            let help = format!("set {key} in your file, or {}", variable(&key));
            self.missing(&key, help);
        }
        self.get(option)
    }

    fn missing(&mut self, key: &str, help: String) {
        self.faults.push(Fault {
            code: Code::Missing,
            key: key.into(),
            place: None,
            message: "must be set".into(),
            help: help.into(),
        });
    }

    /// Notes that an option has a value that does not go with the others.
    fn refuse(&mut self, option: &str, wrong: Wrong) {
        let key = o::key_of(option, self.name);
        if let Some(entry) = self.merged.winner(&key) {
            self.faults.push(Fault::at(&key, &entry.key_at, wrong));
        }
    }

    fn secrets(&mut self, scheme: Scheme) -> Vec<SecretBytes> {
        let first = self.secret((&o::SECRET, &o::SECRET_FILE), scheme);
        let (key, file) = (self.key(&o::SECRET), self.key(&o::SECRET_FILE));
        if self.merged.winner(&key).is_none() && self.merged.winner(&file).is_none() {
            let help = format!("set {} in the environment, or name a file in {file}", variable(&key));
            self.missing(&key, help);
        }
        let next = self.secret((&o::NEXT_SECRET, &o::NEXT_SECRET_FILE), scheme);
        first.into_iter().chain(next).collect()
    }

    /// A secret from its own variable, or from the file that is named.
    fn secret(
        &mut self,
        (own, in_file): (&Opt<Secret<SecretText>>, &Opt<Text<PathBuf>>),
        scheme: Scheme,
    ) -> Option<SecretBytes> {
        let (key, file_key) = (self.key(own), self.key(in_file));
        let (entry, file) = (self.merged.winner(&key), self.merged.winner(&file_key));
        if let (Some(_), Some(file)) = (entry, file) {
            let message = format!("is given and so is {file_key} ({})", file.value_at);
            self.refuse(own.key, Wrong::new(Code::BothGiven, message, "keep one of the two"));
            return None;
        }
        let read = match (self.get(own), self.get(in_file)) {
            (Some(text), _) => text.bytes(scheme),
            (None, Some(path)) => line_of(&path).and_then(|text| text.bytes(scheme)),
            (None, None) => return None,
        };
        let place = entry.or(file).map(|entry| &entry.value_at)?;
        let at = if entry.is_some() { &key } else { &file_key };
        match read {
            Ok(bytes) => Some(bytes),
            Err(wrong) => {
                self.faults.push(Fault::at(at, place, wrong));
                None
            }
        }
    }

    fn requires(&mut self) -> Vec<(Pointer, Box<str>)> {
        let prefix = format!("{}.", self.key(&o::REQUIRES));
        let mut required = Vec::new();
        for key in self.merged.callback_keys() {
            let Some(entry) = self.merged.winner(key) else { continue };
            let at = key.strip_prefix(&prefix).map(|at| at.trim_matches('"'));
            match at.map(Pointer::new) {
                Some(Some(at)) => required.extend(o::REQUIRES.read(entry).ok().map(|value| (at, value))),
                Some(None) => {
                    let help = "write such as requires = { \"/levelName\" = \"basic\" }";
                    let wrong = Wrong::impossible("is not a JSON pointer", help);
                    self.faults.push(Fault::at(key, &entry.key_at, wrong));
                }
                None if *key == *prefix.trim_end_matches('.') => {
                    let help = "write such as requires = { \"/levelName\" = \"basic\" }";
                    let wrong = Wrong::of_type("is not a table of JSON pointers and values", help);
                    self.faults.push(Fault::at(key, &entry.value_at, wrong));
                }
                None => {}
            }
        }
        if required.len() > REQUIRED_MAX {
            let (key, help) = (self.key(&o::REQUIRES), "remove some".into());
            let message = format!("has more than {REQUIRED_MAX} values").into();
            let code = Code::ImpossibleValue;
            self.faults.push(Fault { code, key: key.into(), place: None, message, help });
        }
        required
    }

    fn signing(&mut self, scheme: Scheme) -> Option<GenericSigning> {
        if scheme != Scheme::Generic {
            self.only_for(&GENERIC_ONLY, "is for the scheme `generic` only");
            return None;
        }
        let header = self.required(&o::SIGNATURE_HEADER);
        let signed = match self.get(&o::SIGNED).unwrap_or(SignedParts::Body) {
            SignedParts::Body => {
                let needless = "is not signed, so nothing could be concluded from it";
                self.only_for(&[&o::TIMESTAMP_HEADER, &o::ID_HEADER], needless);
                Some(Signed::Body)
            }
            SignedParts::TimestampBody => {
                self.only_for(&[&o::ID_HEADER], "is not signed, so nothing could be concluded from it");
                self.required(&o::TIMESTAMP_HEADER).map(|timestamp| Signed::TimestampBody { timestamp })
            }
            SignedParts::IdTimestampBody => {
                let id = self.required(&o::ID_HEADER);
                let timestamp = self.required(&o::TIMESTAMP_HEADER);
                id.zip(timestamp).map(|(id, timestamp)| Signed::IdTimestampBody { id, timestamp })
            }
        };
        Some(GenericSigning {
            header: header?,
            prefix: self.get(&o::SIGNATURE_PREFIX).unwrap_or_default(),
            text: self.get(&o::SIGNATURE_ENCODING).unwrap_or(SignatureText::Hex),
            hash: self.get(&o::SIGNATURE_HASH).unwrap_or(SignedHash::Sha256),
            signed: signed?,
        })
    }

    fn words(&mut self, scheme: Scheme) -> Option<OutcomeWords> {
        if !scheme.needs_words() {
            self.only_for(&WORDS_ONLY, "is for the schemes `standard_webhooks` and `generic` only");
            return None;
        }
        self.required(&o::REFERENCE);
        let at = self.required(&o::OUTCOME);
        let approved = self.required(&o::APPROVED);
        let mut seen: BTreeSet<Box<str>> = approved.iter().flatten().cloned().collect();
        let mut list = |table: &mut Self, option: &Opt<_>| {
            let words: Vec<Box<str>> = table.get(option).unwrap_or_default();
            if words.iter().any(|word| seen.contains(word)) {
                let wrong =
                    Wrong::impossible("has a word that another list has too", "let a word mean one thing");
                table.refuse(option.key, wrong);
            }
            seen.extend(words.iter().cloned());
            words
        };
        let rejected = list(self, &o::REJECTED);
        let pending = list(self, &o::PENDING);
        let expired = list(self, &o::EXPIRED);
        let reset = list(self, &o::RESET);
        Some(OutcomeWords { at: at?, approved: approved?, rejected, pending, expired, reset })
    }

    /// Refuses options that the table has no use for: somebody expects something of them.
    fn only_for(&mut self, options: &[&dyn AnyOption], message: &str) {
        for option in options {
            self.refuse(option.key(), Wrong::impossible(message, "remove it"));
        }
    }
}

/// The secret in a file of its own: one line.
fn line_of(path: &std::path::Path) -> Result<SecretText, Wrong> {
    let text = source::read(path).map(Zeroizing::new).map_err(source::Unread::wrong)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let in_file =
        |wrong: Wrong| Wrong { message: format!("names a file whose text {}", wrong.message), ..wrong };
    if line.contains(char::is_control) {
        return Err(in_file(Wrong::impossible("has more than one line", "write the secret alone into it")));
    }
    SecretText::parse(line).map_err(in_file)
}
