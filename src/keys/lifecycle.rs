//! What follows from a key's moments: its state, who signs, what is published, and until when that holds.
//!
//! Everything here is a pure function of moments and of now (docs/decisions/0006, docs/decisions/0026).

use std::ops::Range;

use crate::domain::{KeyTerms, SigningKeyRecord, Timestamp};

/// The moments of a key's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    publish_at: Timestamp,
    activate_at: Timestamp,
    retire_at: Option<Timestamp>,
    is_withdrawn: bool,
    has_private_key: bool,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published, and to sign later.
    Pending,
    /// It signs.
    Active,
    /// Its successor signs; what it signed is still in use.
    Retiring,
    /// Nothing that it signed is still good.
    Retired,
    /// Withdrawn, for ever.
    Revoked,
}

impl KeyState {
    /// Every state, in the order of a life.
    pub(crate) const ALL: [Self; 5] =
        [Self::Pending, Self::Active, Self::Retiring, Self::Retired, Self::Revoked];

    /// The word in lists.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

/// When a new key's life begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(super) publish_at: Timestamp,
    pub(super) activate_at: Timestamp,
}

impl Start {
    /// For the first key and for one that replaces a withdrawn one: whoever does not know it fetches it
    /// (docs/CONTRACT.md C7).
    pub(crate) const fn at_once(now: Timestamp) -> Self {
        Self { publish_at: now, activate_at: now }
    }

    /// For a planned key: everybody knows it before it signs.
    pub(crate) fn with_lead(now: Timestamp, terms: &KeyTerms) -> Self {
        Self { publish_at: now, activate_at: now.plus(terms.lead()) }
    }
}

impl Times {
    /// A row's.
    pub(crate) const fn of(row: &SigningKeyRecord) -> Self {
        Self {
            publish_at: row.publish_at,
            activate_at: row.activate_at,
            retire_at: row.retire_at,
            // Whatever the clock says: one that was set back must not bring a withdrawn key to life.
            is_withdrawn: row.revoked_at.is_some(),
            has_private_key: row.has_private_key(),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.is_withdrawn || self.retire_at.is_some_and(|end| end <= now)
    }

    fn could_sign(&self, now: Timestamp) -> bool {
        self.has_private_key && !self.is_over(now)
    }
}

/// Which of the keys signs: the newest activation that is not in the future; of two with the same, the later in order.
///
/// - `keys`: in the order of [`SigningKeyRecord::order`], here and below.
///
/// A clock that was set back may stand before every activation: then it is the earliest. Its tokens are of no use until
/// the clock is right, but nothing is broken, and nothing new is made.
///
/// - returns: its place; `None` where every key is over or has no private part any more.
pub(crate) fn signer(keys: &[Times], now: Timestamp) -> Option<usize> {
    let candidates = || keys.iter().enumerate().filter(|(_, key)| key.could_sign(now));
    candidates()
        .filter(|(_, key)| key.activate_at <= now)
        .max_by_key(|(place, key)| (key.activate_at, *place))
        .or_else(|| candidates().min_by_key(|(place, key)| (key.activate_at, *place)))
        .map(|(place, _)| place)
}

/// Which of the keys stand in the key set: pending, active and retiring ones. It has the signer whenever there is one.
pub(crate) fn published(keys: &[Times], now: Timestamp) -> Vec<usize> {
    let signer = signer(keys, now);
    let stands =
        |place: usize, key: &Times| Some(place) == signer || (key.publish_at <= now && !key.is_over(now));
    keys.iter().enumerate().filter(|(place, key)| stands(*place, key)).map(|(place, _)| place).collect()
}

/// The state of one of the keys.
pub(crate) fn state(keys: &[Times], place: usize, now: Timestamp) -> Option<KeyState> {
    let key = keys.get(place)?;
    Some(match () {
        () if key.is_withdrawn => KeyState::Revoked,
        () if key.is_over(now) => KeyState::Retired,
        () if signer(keys, now) == Some(place) => KeyState::Active,
        () if key.activate_at > now => KeyState::Pending,
        () => KeyState::Retiring,
    })
}

/// From when until when nothing of the above changes by time alone.
pub(crate) fn unchanged_around(keys: &[Times], now: Timestamp) -> Range<Timestamp> {
    let moments =
        || keys.iter().flat_map(|key| [Some(key.publish_at), Some(key.activate_at), key.retire_at]).flatten();
    let start = moments().filter(|at| *at <= now).max();
    let end = moments().filter(|at| *at > now).min();
    start.unwrap_or(Timestamp::from_unix_micros(i64::MIN))
        ..end.unwrap_or(Timestamp::from_unix_micros(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn times(publish: i64, activate: i64, retire: Option<i64>) -> Times {
        Times {
            publish_at: at(publish),
            activate_at: at(activate),
            retire_at: retire.map(at),
            is_withdrawn: false,
            has_private_key: true,
        }
    }

    #[test]
    fn everything_follows_from_the_moments() {
        let keys = [times(0, 0, Some(300)), times(100, 200, None)];
        let seen = |seconds| {
            let states = [0, 1].map(|place| state(&keys, place, at(seconds)).map_or("", KeyState::as_str));
            (signer(&keys, at(seconds)), published(&keys, at(seconds)), states)
        };
        assert_eq!(seen(50), (Some(0), vec![0], ["active", "pending"]));
        assert_eq!(seen(100), (Some(0), vec![0, 1], ["active", "pending"]));
        assert_eq!(seen(199), (Some(0), vec![0, 1], ["active", "pending"]));
        assert_eq!(seen(200), (Some(1), vec![0, 1], ["retiring", "active"]));
        assert_eq!(seen(300), (Some(1), vec![1], ["retired", "active"]));
        assert_eq!(unchanged_around(&keys, at(150)), at(100)..at(200));
        assert_eq!(unchanged_around(&keys, at(300)).start, at(300));
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_somebody_to_sign() {
        let keys = [times(100, 100, Some(400)), times(150, 200, None)];
        assert_eq!((signer(&keys, at(-5)), published(&keys, at(-5))), (Some(0), vec![0]));
        let forgotten = [Times { has_private_key: false, ..keys[0] }, keys[1]];
        assert_eq!((signer(&forgotten, at(120)), published(&forgotten, at(120))), (Some(1), vec![0, 1]));
    }

    #[test]
    fn a_withdrawn_key_is_withdrawn_at_every_moment() {
        let keys = [Times { is_withdrawn: true, ..times(0, 0, None) }, times(0, 0, None)];
        for seconds in [-10, 0, 10] {
            assert_eq!((signer(&keys, at(seconds)), published(&keys, at(seconds))), (Some(1), vec![1]));
            assert_eq!(state(&keys, 0, at(seconds)), Some(KeyState::Revoked));
        }
        assert_eq!(signer(&keys[..1], at(10)), None);
    }

    #[test]
    fn of_two_that_begin_at_once_the_later_in_order_signs() {
        assert_eq!(signer(&[times(0, 5, Some(50)), times(0, 5, None)], at(5)), Some(1));
    }
}
