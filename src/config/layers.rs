//! Which layer wins. The `config` crate merges; what it merges are the numbers of entries, never values, so that no
//! value passes through its conversions and every one keeps its place.

use std::collections::BTreeMap;

use ::config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::option::Opt;
use super::options;
use super::shape::Shape;
use super::source::{Entry, Layer};

/// All entries, and for each option the one that counts.
pub(super) struct Merged {
    entries: Vec<Entry>,
    tree: Value,
    /// Keys of providers' tables hold pointers, which `config` would take for paths: here the last layer's entry stays.
    callbacks: BTreeMap<Box<str>, Entry>,
}

impl Merged {
    /// Lays the layers over each other, the last uppermost. Entries of no option are left out.
    #[expect(
        clippy::expect_used,
        reason = "merging fails only when a source does, and `Numbered` never does"
    )]
    pub(super) fn of(layers: Vec<Layer>) -> Self {
        let mut entries = Vec::new();
        let mut callbacks = BTreeMap::new();
        let mut builder = Config::builder();
        for layer in layers {
            let mut numbers = Map::new();
            for entry in layer.entries {
                if options::callbacks::split(&entry.key).is_some() {
                    callbacks.insert(entry.key.clone(), entry);
                } else if options::find(&entry.key).is_some() {
                    numbers.insert(entry.key.to_string(), entries.len());
                    entries.push(entry);
                }
            }
            builder = builder.add_source(Numbered(numbers));
        }
        let tree = builder.build().expect("sources that cannot fail").cache;
        Self { entries, tree, callbacks }
    }

    /// The uppermost entry of an option.
    pub(super) fn winner(&self, key: &str) -> Option<&Entry> {
        if options::callbacks::split(key).is_some() {
            return self.callbacks.get(key);
        }
        let leaf = key.split('.').try_fold(&self.tree, |node, part| match &node.kind {
            ValueKind::Table(table) => table.get(part),
            _ => None,
        })?;
        match leaf.kind {
            ValueKind::U64(number) => self.entries.get(usize::try_from(number).ok()?),
            _ => None,
        }
    }

    /// The keys of providers' tables that somebody set, also those of no option.
    pub(super) fn callback_keys(&self) -> impl Iterator<Item = &str> {
        self.callbacks.keys().map(|key| &**key)
    }

    /// The value of an option; `None` where nobody set it, or where what counts is a fault, which is known by then.
    pub(super) fn get<S: Shape>(&self, option: &Opt<S>) -> Option<S::Value> {
        option.read(self.winner(option.key)?).ok()
    }
}

/// One layer for the `config` crate: option paths and the numbers of their entries.
#[derive(Debug, Clone)]
struct Numbered(Map<String, usize>);

impl Source for Numbered {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |number: &usize| Value::new(None, u64::try_from(*number).unwrap_or(u64::MAX));
        Ok(self.0.iter().map(|(key, number)| (key.clone(), value(number))).collect())
    }
}
