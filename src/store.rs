//! The record: the only room that knows SQL.
//!
//! A [`Store`] is one SQLite file. All writing is done by one task that owns the one writing connection: it takes
//! every decision that waits and commits them together ([`sqlite`] has the way through). Readers have connections of
//! their own. Nothing is answered before its commit.

mod draft;
mod error;
mod once;
mod settings;
mod sqlite;

pub(crate) use draft::{Draft, Question};
pub(crate) use error::StoreError;
pub(crate) use once::{Answered, KeptAnswer, Once, OnceKey};
pub(crate) use settings::StoreSettings;
#[cfg(test)]
pub(crate) use sqlite::KeptKeySet;
pub(crate) use sqlite::{
    Backup, DecideOutcome, DeskOutcome, FactOutcome, MintOutcome, OneCallOutcome, OpenOutcome, OpenWish,
    ProviderRecorded, Revocation, Store, StoredApiKey, is_recorded,
};
