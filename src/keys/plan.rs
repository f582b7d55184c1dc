//! What a change makes of the keys: pure, so that every schedule can be tested.

use std::time::Duration;

use super::lifecycle::{Times, published, signer};
use crate::domain::{KeyTerms, Kid, SigningKeyRecord, Timestamp};

/// How long the private part of a retired key is kept, for a clock that had jumped ahead and is set back.
const FORGET_AFTER: Duration = Duration::from_secs(86_400);
/// The most keys in the key set: a larger document is more than others may be ready to read.
pub(crate) const PUBLISHED_MAX: usize = 64;

/// Tells whether it is time to publish the next key, so that it signs when the interval ends.
///
/// A key that would begin to sign later than a lead from now was made by a clock that had jumped ahead: it does not
/// count.
pub(crate) fn is_due(rows: &[SigningKeyRecord], now: Timestamp, terms: &KeyTerms) -> bool {
    due_at(rows, now, terms).is_none_or(|due| due <= now)
        && signer(&times(rows), now).is_some()
        && has_room(rows, now)
}

/// When the next key is to be published; `None` where there is no key whose interval could end.
pub(crate) fn due_at(rows: &[SigningKeyRecord], now: Timestamp, terms: &KeyTerms) -> Option<Timestamp> {
    let soon = now.plus(terms.lead());
    let counts = |row: &&SigningKeyRecord| {
        row.revoked_at.is_none() && row.has_private_key() && row.activate_at <= soon
    };
    let newest = rows.iter().filter(counts).map(|row| row.activate_at).max()?;
    Some(newest.plus(terms.rotate_every).minus(terms.lead()))
}

/// Tells whether the key set may have another key.
pub(crate) fn has_room(rows: &[SigningKeyRecord], now: Timestamp) -> bool {
    published(&times(rows), now).len() < PUBLISHED_MAX
}

/// The key that signs at a moment.
pub(crate) fn signer_of(rows: &[SigningKeyRecord], now: Timestamp) -> Option<&SigningKeyRecord> {
    rows.get(signer(&times(rows), now)?)
}

/// The keys after another one came: in activation order, each with its end.
pub(crate) fn with(
    rows: &[SigningKeyRecord],
    new: SigningKeyRecord,
    now: Timestamp,
    terms: &KeyTerms,
) -> Vec<SigningKeyRecord> {
    let mut rows = rows.to_vec();
    rows.push(new);
    settle(rows, now, terms)
}

/// The keys without the withdrawn one, and whether one of them signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// Another key signs already, or the pending one was called up.
    Settled(Vec<SigningKeyRecord>),
    /// It was the signer and nothing is pending: a replacement must come with it, by [`with`], which gives the others
    /// their ends.
    NeedsReplacement(Vec<SigningKeyRecord>),
}

/// Withdraws a key and throws its private part away. If it was the signer, the key that is pending signs at once.
pub(crate) fn without(rows: &[SigningKeyRecord], kid: &Kid, now: Timestamp, terms: &KeyTerms) -> Withdrawal {
    let was_signer = signer_of(rows, now).is_some_and(|signer| signer.kid == *kid);
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter(|row| row.kid == *kid) {
        row.revoked_at = Some(now);
        row.sealed_private_key.clear();
    }
    if !was_signer {
        return Withdrawal::Settled(settle(rows, now, terms));
    }
    let pending = rows
        .iter_mut()
        .filter(|row| row.revoked_at.is_none() && row.has_private_key() && row.activate_at > now)
        .min_by_key(|row| row.activate_at);
    match pending {
        Some(next) => {
            next.publish_at = next.publish_at.min(now);
            next.activate_at = now;
            Withdrawal::Settled(settle(rows, now, terms))
        }
        None => Withdrawal::NeedsReplacement(rows),
    }
}

/// A retired key whose private part nobody needs any more, without it.
pub(crate) fn forgotten(rows: &[SigningKeyRecord], now: Timestamp) -> Option<SigningKeyRecord> {
    let over = |row: &&SigningKeyRecord| {
        row.has_private_key() && row.retire_at.is_some_and(|end| end.plus(FORGET_AFTER) <= now)
    };
    let row = rows.iter().find(over)?;
    Some(SigningKeyRecord { sealed_private_key: Vec::new(), ..row.clone() })
}

/// The rows that differ from those before.
pub(crate) fn changed(before: &[SigningKeyRecord], after: Vec<SigningKeyRecord>) -> Vec<SigningKeyRecord> {
    after.into_iter().filter(|row| !before.contains(row)).collect()
}

/// Says of every key when it goes.
///
/// A key that signs or will sign goes a tail after the next one begins; the last one has no end. One whose time to sign
/// is over keeps the end that it has, and one that has gone stays so.
fn settle(mut rows: Vec<SigningKeyRecord>, now: Timestamp, terms: &KeyTerms) -> Vec<SigningKeyRecord> {
    rows.sort_by(|one, other| one.order().cmp(&other.order()));
    let mut next: Option<Timestamp> = None;
    for row in rows.iter_mut().rev() {
        if row.revoked_at.is_some() || row.retire_at.is_some_and(|end| end <= now) || !row.has_private_key() {
            continue;
        }
        row.retire_at = match (next, row.retire_at) {
            (None, _) => None,
            (Some(next), Some(end)) if next <= now => Some(end),
            (Some(next), _) => Some(next.max(now).plus(terms.tail())),
        };
        next = Some(row.activate_at);
    }
    rows
}

fn times(rows: &[SigningKeyRecord]) -> Vec<Times> {
    rows.iter().map(Times::of).collect()
}

#[cfg(test)]
mod tests;
