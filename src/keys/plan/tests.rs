use proptest::prelude::*;

use super::*;
use crate::domain::PRELUDE_KEEPS_KEY_SET;
use crate::keys::lifecycle::{KeyState, Start, state};

const TERMS: KeyTerms = KeyTerms {
    rotate_every: Duration::from_secs(3 * 3600),
    bits: 2048,
    jwks_cache: PRELUDE_KEEPS_KEY_SET,
    clock_skew: Duration::from_secs(30),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn key(name: &str, start: Start) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: Kid::new(name).expect("a kid"),
        modulus: "n".to_owned(),
        exponent: "AQAB".to_owned(),
        bits: 2048,
        sealed_private_key: vec![1],
        publish_at: start.publish_at,
        activate_at: start.activate_at,
        retire_at: None,
        revoked_at: None,
        created_at: start.publish_at,
    }
}

/// A signing key `a` since second 0 and a pending one `b` that was made at second 1000.
fn two() -> Vec<SigningKeyRecord> {
    let first = vec![key("a", Start::at_once(at(0)))];
    with(&first, key("b", Start::with_lead(at(1000), &TERMS)), at(1000), &TERMS)
}

fn states(rows: &[SigningKeyRecord], now: Timestamp) -> Vec<(&str, &'static str)> {
    let times = times(rows);
    let state = |place| state(&times, place, now).map_or("", KeyState::as_str);
    rows.iter().enumerate().map(|(place, row)| (row.kid.as_str(), state(place))).collect()
}

fn withdrawn(rows: &[SigningKeyRecord], name: &str, now: Timestamp) -> Withdrawal {
    without(rows, &Kid::new(name).expect("a kid"), now, &TERMS)
}

#[test]
fn the_next_key_is_published_a_lead_before_the_interval_ends() {
    let rows = [key("a", Start::at_once(at(0)))];
    let due = 3 * 3600 - i64::try_from(TERMS.lead().as_secs()).expect("small");
    assert!(!is_due(&rows, at(due - 1), &TERMS));
    assert!(is_due(&rows, at(due), &TERMS));
    let rows = with(&rows, key("b", Start::with_lead(at(due), &TERMS)), at(due), &TERMS);
    assert!(!is_due(&rows, at(due), &TERMS));
    assert_eq!(rows[0].retire_at, Some(at(3 * 3600).plus(TERMS.tail())));
    assert_eq!((rows[1].activate_at, rows[1].retire_at), (at(3 * 3600), None));
    assert!(!is_due(&[], at(due), &TERMS), "the first key is not made by rotation");
}

#[test]
fn two_keys_that_begin_at_once_hand_over_to_the_one_that_stays() {
    let second = key("c", Start::with_lead(at(1000), &TERMS));
    let rows = with(&two(), second, at(1000), &TERMS);
    let later = rows[2].activate_at;
    assert_eq!(states(&rows, later), [("a", "retiring"), ("b", "retiring"), ("c", "active")]);
    assert_eq!((rows[1].retire_at, rows[2].retire_at), (Some(later.plus(TERMS.tail())), None));
}

#[test]
fn a_withdrawn_signer_is_followed_by_the_pending_key_at_once() {
    let Withdrawal::Settled(rows) = withdrawn(&two(), "a", at(1100)) else { panic!("b is there") };
    assert_eq!(states(&rows, at(1100)), [("a", "revoked"), ("b", "active")]);
    assert_eq!((rows[1].activate_at, rows[1].retire_at), (at(1100), None));
    assert!(!rows[0].has_private_key());
}

#[test]
fn a_withdrawn_signer_without_a_successor_needs_a_replacement() {
    let later = at(10_000);
    let rows = two();
    assert_eq!(states(&rows, later), [("a", "retired"), ("b", "active")]);
    let Withdrawal::NeedsReplacement(rows) = withdrawn(&rows, "b", at(2000)) else {
        panic!("nobody is left")
    };
    let end = rows[0].retire_at;
    assert!(end.is_some(), "the key before it goes as it would have");
    let rows = with(&rows, key("c", Start::at_once(at(2000))), at(2000), &TERMS);
    assert_eq!(states(&rows, at(2000)), [("a", "retiring"), ("b", "revoked"), ("c", "active")]);
    assert_eq!(rows[0].retire_at, end);
}

#[test]
fn a_withdrawn_pending_key_leaves_the_signer_without_an_end() {
    let Withdrawal::Settled(rows) = withdrawn(&two(), "b", at(1100)) else { panic!("a signs on") };
    assert_eq!(states(&rows, at(1_000_000)), [("a", "active"), ("b", "revoked")]);
    assert_eq!(rows[0].retire_at, None);
}

#[test]
fn a_private_part_is_forgotten_a_day_after_its_key_retired() {
    let rows = two();
    let gone = rows[0].retire_at.expect("an end").plus(FORGET_AFTER);
    assert_eq!(forgotten(&rows, gone.minus(Duration::from_micros(1))), None);
    assert_eq!(
        forgotten(&rows, gone).map(|row| (row.kid.to_string(), row.has_private_key())),
        Some(("a".into(), false))
    );
}

#[test]
fn a_key_that_a_wrong_clock_made_does_not_stop_the_others() {
    let year = 31_536_000;
    let rows = [key("a", Start::at_once(at(0)))];
    let rows = with(&rows, key("ahead", Start::with_lead(at(year), &TERMS)), at(year), &TERMS);
    // The clock is right again.
    assert!(!is_due(&rows, at(100), &TERMS) && is_due(&rows, at(3 * 3600), &TERMS));
    let rows = with(&rows, key("b", Start::with_lead(at(3 * 3600), &TERMS)), at(3 * 3600), &TERMS);
    assert_eq!(states(&rows, at(5 * 3600)), [("a", "retired"), ("b", "active"), ("ahead", "pending")]);
    assert!(is_due(&rows, at(7 * 3600), &TERMS));
}

/// What happens between two moments of a schedule.
#[derive(Debug, Clone)]
enum Event {
    /// Time goes by while processes rotate by themselves.
    Pass(i64),
    /// Somebody has a key made or imports one, at a process whose clock is off by so much.
    Plan(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![(1..4000_i64).prop_map(Event::Pass), (0..=30_i64).prop_map(Event::Plan)];
    prop::collection::vec(event, 1..40)
}

/// Every state of the keys, with the true moment since when it holds.
struct Log(Vec<(i64, Vec<SigningKeyRecord>)>);

impl Log {
    /// The keys as a process knew them that looked `lag` seconds before.
    fn known(&self, moment: i64, lag: i64) -> &[SigningKeyRecord] {
        let seen = self.0.iter().rev().find(|(since, _)| *since <= moment - lag);
        &seen.unwrap_or(&self.0[0]).1
    }

    fn add(&mut self, moment: i64, offset: i64, start: Start) {
        let rows = self.known(moment, 0);
        let name = format!("k{}", self.0.len());
        let rows = with(rows, key(&name, start), at(moment + offset), &TERMS);
        self.0.push((moment, rows));
    }
}

fn played(events: &[Event]) -> (Log, i64) {
    let mut log = Log(vec![(0, vec![key("k0", Start::at_once(at(0)))])]);
    let mut moment = 0;
    for event in events {
        match event {
            Event::Pass(seconds) => {
                for second in (moment..moment + seconds).step_by(20) {
                    if is_due(log.known(second, 0), at(second), &TERMS) {
                        log.add(second, 0, Start::with_lead(at(second), &TERMS));
                    }
                }
                moment += seconds;
            }
            Event::Plan(offset) => {
                log.add(moment, *offset, Start::with_lead(at(moment + offset), &TERMS));
                moment += 1;
            }
        }
    }
    (log, moment)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whoever holds any key set that it fetched within Prelude's ten minutes, through a proxy that may be as old as we
    /// allow, knows the key of every token, from its making to its end. Clocks are up to the skew apart; a process may
    /// sign with what it saw 30 seconds ago and publish what it saw three seconds ago.
    #[test]
    fn no_schedule_breaks_a_cached_key_set(
        events in events(),
        minting in prop::collection::vec((0..1000_i64, 0..=30_i64, 0..=30_i64, 0..3630_i64), 30),
        reading in prop::collection::vec((0..=660_i64, 0..=3_i64, 0..=30_i64), 30),
    ) {
        let (log, end) = played(&events);
        for (share, offset, lag, age) in &minting {
            let minted = share * end / 1000;
            let rows = log.known(minted, *lag);
            let signer = signer_of(rows, at(minted + offset)).expect("somebody signs");
            let checked = minted + age;
            for (cached, publisher_lag, publisher_offset) in &reading {
                let fetched = (checked - cached).max(0);
                let rows = log.known(fetched, *publisher_lag);
                let set = published(&times(rows), at(fetched + publisher_offset));
                let knows = set.into_iter().any(|place| rows[place].kid == signer.kid);
                prop_assert!(knows, "{} minted at {minted} and checked at {checked} with a set of {fetched}", signer.kid);
            }
        }
    }
}
