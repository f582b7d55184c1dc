//! What policy files are made of: every key with its text and its shape, once.
//!
//! A [`Table`] is the keys of one kind of map. The readers take no key that is not in theirs, the JSON Schema for
//! editors is made of the same tables, and so is the reference of `docs/POLICIES.md`: a key is in all three or in none.
//! The tables stand beside their readers, in the `keys` modules.

mod file_kind;
mod forms;
mod json_schema;

pub(crate) use file_kind::FileKind;
pub(crate) use forms::Form;
pub(super) use forms::{
    ADDRESS, AMOUNT, APPROVER, CURRENCY, DATE_TIME, DAY, DOMAIN, DURATION, FACT, FIELD, FIELD_PATH, HOURS,
    ID, LIST, MONEY, MONEY_NAME, MONEY_PATH, PATTERN, PREFIX, RANGE, SCOPE, SPAN, STEP, ZONE,
};
pub(crate) use json_schema::json_schema;

/// The keys of one kind of map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    /// Its name in the schema, such as `rule`; no other table has it.
    pub(crate) name: &'static str,
    /// Its heading in the reference.
    pub(crate) title: &'static str,
    /// What such a map is, in a sentence.
    pub(crate) doc: &'static str,
    /// Its keys, in the order in which they are told; tables may share a group.
    pub(crate) groups: &'static [&'static [Key]],
    /// Keys that stand for one another.
    pub(crate) choice: Choice,
}

/// A key of a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Its name. One that ends in [`ANY_NAME`] stands for every key that begins like it.
    pub(crate) name: &'static str,
    /// Whether it must be there.
    pub(crate) need: Need,
    /// What may stand under it.
    pub(crate) shape: Shape,
    /// What it says, in sentences for the reference and for editors.
    pub(crate) doc: &'static str,
}

/// Stands in a [`Key`] for a name that the file gives.
pub(crate) const ANY_NAME: &str = ".NAME";

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A map without it is a fault.
    Required,
    /// It may be left out.
    Optional,
    /// Whether it must be there depends on the other keys.
    Depends,
}

/// Keys of a table that stand for one another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Choice {
    /// There are none.
    Free,
    /// Exactly one of them must be there.
    One(&'static [&'static str]),
    /// At least one of them must be there.
    Some(&'static [&'static str]),
}

/// What may stand in a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A text that is not empty, of at most so many characters.
    Text(usize),
    /// A text that may be empty.
    Plain,
    /// A text in a form of its own.
    Form(&'static Form),
    /// A whole number within these bounds, both included.
    Whole(u32, u32),
    /// One of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Truth,
    /// A list, which may be empty.
    List(&'static Self),
    /// A list with at least one item.
    SomeList(&'static Self),
    /// The thing itself, or a list of at least one.
    OneOrMore(&'static Self),
    /// A list of exactly two: the ends of a range.
    Ends(&'static Self),
    /// A map whose keys have a form, and whose values have a shape; it may be empty.
    MapOf(&'static Form, &'static Self),
    /// A map with the keys of a table.
    Keys(&'static Table),
    /// One of several. A map stands first: where none fits, editors complain by the first.
    AnyOf(&'static [Self]),
}

/// A text without a bound of its own.
pub(super) const TEXT: Shape = Shape::Text(usize::MAX);

impl Key {
    /// A key that must be there.
    pub(super) const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, need: Need::Required, shape, doc }
    }

    /// A key that other keys may need.
    pub(super) const fn depends(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, need: Need::Depends, shape, doc }
    }

    /// A key that may be left out.
    pub(super) const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, need: Need::Optional, shape, doc }
    }
}

impl Table {
    /// A table without keys that stand for one another.
    pub(super) const fn new(
        name: &'static str,
        title: &'static str,
        doc: &'static str,
        groups: &'static [&'static [Key]],
    ) -> Self {
        Self { name, title, doc, groups, choice: Choice::Free }
    }

    /// The same with keys that stand for one another.
    pub(super) const fn with(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Its keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    /// The names of its keys.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.keys().map(|key| key.name).collect()
    }
}

#[cfg(test)]
pub(super) mod tests;
