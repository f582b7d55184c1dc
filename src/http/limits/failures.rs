//! Whoever proves nothing, again and again, is not looked at before others are.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::allowances::{Allowances, Standing};
use super::client::Client;
use super::spending::{Allowance, Spending};
use crate::domain::Timestamp;

/// What clients may get wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    /// Each by itself, before all others come first.
    pub(super) a_minute: Allowance,
    /// All together a second, but for those that proved themselves within a day.
    pub(super) together: u32,
}

/// What clients got wrong.
///
/// A look costs something (an RSA operation, a question to the database), and whoever sends something wrong has spent nothing. So
/// all who are unknown have one allowance of wrong ones together. A client that used up its own gets what the others leave of
/// that; it gets some, since behind a proxy it may be many, and the first of them that is genuine speaks for all from then on:
/// **a client that proved itself within a day is never refused.**
pub(super) struct Failures {
    by_client: Allowances,
    together: Allowance,
    spent_together: Mutex<Spending>,
}

/// Somebody who was let in to prove something.
#[must_use]
pub(in crate::http) struct Sender<'f> {
    failures: &'f Failures,
    client: Client,
    standing: Standing,
    now: Timestamp,
}

impl Failures {
    /// Nobody got anything wrong yet.
    pub(super) fn new(judged: Judged) -> Self {
        Self {
            by_client: Allowances::each(judged.a_minute),
            together: Allowance::of(judged.together, Duration::from_secs(1)),
            spent_together: Mutex::default(),
        }
    }

    /// Lets a client try, or not: then nothing of what it brings was looked at.
    pub(super) fn admit(&self, client: Client, now: Timestamp) -> Option<Sender<'_>> {
        let standing = self.by_client.standing(client, now);
        let is_let_in = match standing {
            Standing::Good { .. } => true,
            Standing::Within => self.have_room(self.together, now),
            Standing::Beyond => self.have_room(self.together.half(), now),
        };
        is_let_in.then_some(Sender { failures: self, client, standing, now })
    }

    /// Whether a client proved itself within a day.
    pub(super) fn knows(&self, client: Client, now: Timestamp) -> bool {
        matches!(self.by_client.standing(client, now), Standing::Good { .. })
    }

    fn have_room(&self, together: Allowance, now: Timestamp) -> bool {
        together.has_room(&mut self.spent_together.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

impl Sender<'_> {
    /// What it brought was wrong.
    pub(in crate::http) fn failed(self) {
        let Self { failures, client, standing, now } = self;
        failures.by_client.charge(client, now);
        if !matches!(standing, Standing::Good { .. }) {
            let mut spent = failures.spent_together.lock().unwrap_or_else(PoisonError::into_inner);
            failures.together.charge(&mut spent, now);
        }
    }

    /// What it brought was right.
    pub(in crate::http) fn proved(self) {
        if self.standing != (Standing::Good { fades: false }) {
            self.failures.by_client.vouch(self.client, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

    fn failures() -> Failures {
        Failures::new(Judged { a_minute: Allowance::of(5, Duration::from_secs(60)), together: 100 })
    }

    /// How many of `tries` wrong ones are looked at.
    fn wrong(failures: &Failures, client: u64, tries: usize, now: Timestamp) -> usize {
        let client = Client::from_number(client);
        (0..tries).filter_map(|_| failures.admit(client, now)).map(Sender::failed).count()
    }

    fn right(failures: &Failures, client: u64, now: Timestamp) -> bool {
        failures.admit(Client::from_number(client), now).map(Sender::proved).is_some()
    }

    #[test]
    fn one_that_floods_leaves_room_for_whoever_is_new() {
        let failures = failures();
        assert_eq!(wrong(&failures, 1, 1_000, NOW), 50, "half of what all may get wrong at once");
        assert!(right(&failures, 2, NOW));
        assert_eq!(wrong(&failures, 3, 5, NOW), 5, "its own allowance");
        assert_eq!(wrong(&failures, 1, 1_000, NOW), 0, "the others come first");
    }

    #[test]
    fn however_many_flood_together_they_are_bounded_and_the_good_stay_in() {
        let failures = failures();
        assert!(right(&failures, 1, NOW));
        let looked_at: usize = (10..1_010).map(|client| wrong(&failures, client, 5, NOW)).sum();
        assert_eq!(looked_at, 100);
        assert!(!right(&failures, 2, NOW), "nobody knows it, and there is no room");
        assert!(right(&failures, 1, NOW));
        assert!(right(&failures, 2, NOW.plus(Duration::from_millis(10))), "one paid back");
        let second = NOW.plus(Duration::from_secs(1));
        assert_eq!((2_000..3_000).map(|client| wrong(&failures, client, 5, second)).sum::<usize>(), 100);
    }

    #[test]
    fn behind_one_address_the_first_that_is_genuine_speaks_for_all() {
        let failures = failures();
        assert_eq!(wrong(&failures, 1, 1_000, NOW), 50);
        assert!(!right(&failures, 1, NOW));
        assert!(right(&failures, 1, NOW.plus(Duration::from_millis(10))), "it gets what others leave");
        assert_eq!(wrong(&failures, 1, 1_000, NOW), 1_000, "never refused from then on");
        assert!(right(&failures, 1, NOW.plus(Duration::from_hours(23))));
        assert!(right(&failures, 1, NOW.plus(Duration::from_hours(46))), "proved again meanwhile");
    }
}
