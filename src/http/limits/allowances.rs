//! Allowances of clients: a table of fixed size, whoever calls and however many they are.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use super::client::Client;
use super::spending::{Allowance, Spending};
use crate::domain::Timestamp;

/// How many places the table is cut into, each with a lock of its own.
const PLACES: u64 = 2048;
/// How many clients a place holds: 16,384 in all, in 400 KB.
const CLIENTS_EACH: usize = 8;
/// For how long a client is in good standing after it proved itself.
const GOOD_FOR_MICROS: i64 = 86_400_000_000;
/// How far a clock may step back without anybody losing its standing.
const CLOCK_STEP_MICROS: i64 = 60_000_000;

/// One client's: 24 bytes. The one of all zeros is free, and it does no harm that a client may have that name.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    client: Client,
    spent: Spending,
    good_until: i64,
}

/// How a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It proved itself within a day, or within half a day.
    Good {
        /// Whether less than half of the day is left, so that it should be noted again.
        fades: bool,
    },
    /// Nothing speaks for or against it.
    Within,
    /// Its allowance is spent.
    Beyond,
}

/// The table. When a place is full, whoever owes least gives way, those in good standing last: who wants to throw them out would
/// have to prove itself.
pub(super) struct Allowances {
    each: Allowance,
    places: Box<[Mutex<[Entry; CLIENTS_EACH]>]>,
    /// With a secret of this process, so that nobody can choose addresses that share a place.
    hasher: RandomState,
}

impl Allowances {
    /// A table in which each client has this allowance.
    pub(super) fn each(each: Allowance) -> Self {
        let places = (0..PLACES).map(|_| Mutex::default()).collect();
        Self { each, places, hasher: RandomState::new() }
    }

    /// Takes one of a client's allowance, if it has one.
    pub(super) fn take(&self, client: Client, now: Timestamp) -> bool {
        self.with(client, now, |entry| {
            let has_room = self.each.has_room(&mut entry.spent, now);
            if has_room {
                self.each.charge(&mut entry.spent, now);
            }
            has_room
        })
    }

    /// Takes one, or what is left.
    pub(super) fn charge(&self, client: Client, now: Timestamp) {
        self.with(client, now, |entry| self.each.charge(&mut entry.spent, now));
    }

    /// How a client stands. Nothing is taken, and a client that is not in the table does not come into it.
    pub(super) fn standing(&self, client: Client, now: Timestamp) -> Standing {
        let Some(place) = self.place(client) else { return Standing::Within };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = place.iter_mut().find(|entry| entry.client == client) else {
            return Standing::Within;
        };
        if entry.is_good(now) {
            return Standing::Good { fades: entry.good_until - now.unix_micros() < GOOD_FOR_MICROS / 2 };
        }
        if self.each.has_room(&mut entry.spent, now) { Standing::Within } else { Standing::Beyond }
    }

    /// Notes that a client proved itself.
    pub(super) fn vouch(&self, client: Client, now: Timestamp) {
        self.with(client, now, |entry| entry.good_until = now.unix_micros().saturating_add(GOOD_FOR_MICROS));
    }

    fn place(&self, client: Client) -> Option<&Mutex<[Entry; CLIENTS_EACH]>> {
        let place = usize::try_from(self.hasher.hash_one(client) % PLACES).ok()?;
        self.places.get(place)
    }

    fn with<T: Default>(&self, client: Client, now: Timestamp, act: impl FnOnce(&mut Entry) -> T) -> T {
        let Some(place) = self.place(client) else { return T::default() };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let at = place.iter().position(|entry| entry.client == client);
        let at =
            at.or_else(|| (0..CLIENTS_EACH).min_by_key(|at| place.get(*at).map(|entry| entry.worth(now))));
        let Some(entry) = at.and_then(|at| place.get_mut(at)) else { return T::default() };
        if entry.client != client {
            *entry = Entry { client, ..Entry::default() };
        }
        act(entry)
    }
}

impl Entry {
    /// A clock that was set back must not make anybody good for longer.
    fn is_good(&self, now: Timestamp) -> bool {
        let left = self.good_until - now.unix_micros();
        left > 0 && left <= GOOD_FOR_MICROS + CLOCK_STEP_MICROS
    }

    /// The least gives way first.
    fn worth(&self, now: Timestamp) -> (i64, i64) {
        let good_until = if self.is_good(now) { self.good_until } else { 0 };
        (good_until, self.spent.debt(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

    fn table() -> Allowances {
        Allowances::each(Allowance::of(2, Duration::from_secs(60)))
    }

    fn client(number: u64) -> Client {
        Client::from_number(number)
    }

    #[test]
    fn each_client_has_its_own() {
        let table = table();
        assert!(table.take(client(1), NOW) && table.take(client(1), NOW));
        assert!(!table.take(client(1), NOW));
        assert!(table.take(client(2), NOW));
        assert_eq!(
            (table.standing(client(1), NOW), table.standing(client(3), NOW)),
            (Standing::Beyond, Standing::Within)
        );
        assert!(table.take(client(1), NOW.plus(Duration::from_secs(30))));
    }

    #[test]
    fn who_proved_itself_is_good_for_a_day_and_not_longer_whatever_the_clock_does() {
        let table = table();
        (0..9).for_each(|_| table.charge(client(1), NOW));
        table.vouch(client(1), NOW);
        let after = |hours| table.standing(client(1), NOW.plus(Duration::from_hours(hours)));
        assert_eq!(after(0), Standing::Good { fades: false });
        assert_eq!(after(13), Standing::Good { fades: true });
        assert_eq!(after(24), Standing::Within);
        assert_ne!(
            table.standing(client(1), NOW.minus(Duration::from_hours(1))),
            Standing::Good { fades: false }
        );
    }

    #[test]
    fn a_flood_of_addresses_throws_nobody_out_who_is_good_and_takes_no_memory() {
        let table = table();
        table.vouch(client(7), NOW);
        for number in 1_000..201_000 {
            table.charge(client(number), NOW);
        }
        assert_eq!(table.standing(client(7), NOW), Standing::Good { fades: false });
        let places = table.places.iter().map(|place| place.lock().expect("not poisoned").len());
        assert_eq!(places.sum::<usize>(), 16_384);
    }

    #[test]
    fn who_owes_most_stays_longest() {
        let table = table();
        (0..2).for_each(|_| table.charge(client(1), NOW));
        for number in 1_000..101_000 {
            table.charge(client(number), NOW);
        }
        assert_eq!(table.standing(client(1), NOW), Standing::Beyond);
    }
}
