//! Processes that share one store, each with keys of its own in memory, and a clock that is set by hand.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::clock::ManualClock;
use crate::domain::{Actor, Kid, PRELUDE_KEEPS_KEY_SET};
use crate::keys::EncryptionKey;
use crate::metrics::Metrics;
use crate::random::SystemRandom;
use crate::store::StoreSettings;

const START: i64 = 1_790_000_000;
const TERMS: KeyTerms = KeyTerms {
    rotate_every: Duration::from_secs(3600),
    bits: 2048,
    jwks_cache: PRELUDE_KEEPS_KEY_SET,
    clock_skew: Duration::from_secs(30),
};

/// A store's directory, and the clock of everybody who opens it.
pub(super) struct House {
    directory: TempDir,
    clock: Arc<ManualClock>,
}

impl House {
    pub(super) fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        Self { directory, clock: ManualClock::at_unix_seconds(START) }
    }

    async fn parts(&self, encryption_keys: EncryptionKeys) -> KeyParts {
        let url = format!("sqlite:{}", self.directory.path().join("record.sqlite").display());
        let store =
            Store::open(StoreSettings::for_url(url), Arc::new(Metrics::new())).await.expect("a store");
        let clock = Arc::<ManualClock>::clone(&self.clock);
        KeyParts { store, encryption_keys, terms: TERMS, clock, random: Arc::new(SystemRandom) }
    }

    /// A process that serves.
    pub(super) async fn process(&self) -> SigningKeys {
        SigningKeys::open(self.parts(encryption_keys(&[1])).await).await.expect("opens")
    }

    pub(super) fn pass(&self, span: Duration) {
        self.clock.advance_seconds(i64::try_from(span.as_secs()).expect("small"));
    }
}

fn encryption_keys(bytes: &[u8]) -> EncryptionKeys {
    let key = |byte: &u8| EncryptionKey::from_bytes([*byte; 32]);
    EncryptionKeys::new(key(&bytes[0]), bytes.get(1).map(key))
}

fn ana() -> Actor {
    Actor::CommandLine("ana".into())
}

impl SigningKeys {
    fn signer(&self) -> Kid {
        let ring = self.ring().expect("fresh");
        ring.signer_at(self.now()).expect("somebody signs").kid().clone()
    }

    fn published_count(&self) -> usize {
        self.jwks().body().matches("\"kid\"").count()
    }

    async fn deeds(&self) -> Vec<(&'static str, Option<Actor>)> {
        let actions = self.store.key_actions(100).await.expect("actions");
        actions.into_iter().map(|action| (action.act.deed.as_str(), action.act.by)).collect()
    }

    /// One round of what the background task does, without its waiting.
    async fn round(&self) -> Option<Kid> {
        self.look().await.expect("a look");
        self.forget_one().await.expect("forgotten");
        if !self.is_due() {
            return None;
        }
        let key = generated(TERMS.bits).await.expect("a key");
        self.keep_if_due(&key).await.expect("kept or not")
    }
}

#[tokio::test]
async fn of_processes_that_find_it_is_time_exactly_one_makes_the_next_key() {
    let house = House::new();
    let processes = [house.process().await, house.process().await, house.process().await];
    let first = processes[0].signer();
    house.pass(TERMS.rotate_every - TERMS.lead());
    let made = futures_util::future::join_all(processes.iter().map(SigningKeys::round)).await;
    assert_eq!(made.iter().flatten().count(), 1, "{made:?}");
    let next = made.into_iter().flatten().next().expect("one");
    for process in &processes {
        process.look().await.expect("a look");
        assert!(!process.is_due());
        assert_eq!((process.signer(), process.published_count()), (first.clone(), 2));
    }
    house.pass(TERMS.lead());
    assert!(processes.iter().all(|process| process.signer() == next && process.published_count() == 2));
    assert_eq!(processes[0].deeds().await, [("rotate", None), ("rotate", None)]);
}

#[tokio::test]
async fn the_key_set_is_right_at_every_moment_and_rendered_once_between_two() {
    let house = House::new();
    let process = house.process().await;
    let made = process.rotate(ana()).await.expect("a key");
    process.look().await.expect("a look");
    let (end, one) = (made.activate_at.plus(TERMS.tail()), process.jwks());
    assert_eq!(process.published_count(), 2);
    assert!(Arc::ptr_eq(&one, &process.jwks()), "rendered once");
    house.clock.set_unix_seconds(end.unix_seconds() - 1);
    assert_eq!(process.jwks(), one);
    house.clock.set_unix_seconds(end.unix_seconds());
    assert_eq!(process.published_count(), 1, "without a look");
    house.clock.set_unix_seconds(START);
    assert_eq!(process.jwks(), one, "a clock that was set back");
}

#[tokio::test]
async fn a_process_that_cannot_look_signs_for_thirty_seconds_and_serves_the_key_set_for_ever() {
    let house = House::new();
    let process = house.process().await;
    let looked = Instant::now();
    assert!(process.ring_at(looked + Duration::from_secs(29)).is_ok());
    process.store.close().await.expect("closed");
    assert!(process.look().await.is_err());
    let late = looked + Duration::from_secs(31);
    assert_eq!(process.ring_at(late).err(), Some(StaleRing));
    assert_eq!(process.published_count(), 1);
    assert!(process.ring().is_ok(), "not yet");
}

#[tokio::test]
async fn a_withdrawn_signer_is_replaced_and_no_token_of_it_gets_into_the_record() {
    let house = House::new();
    let (here, there) = (house.process().await, house.process().await);
    let first = here.signer();
    let Withdrawn::Done { signer: Some(Successor::Made { kid }), in_flight } =
        here.revoke(&first, ana()).await.expect("withdrawn")
    else {
        panic!("nobody was pending")
    };
    assert_eq!((in_flight.tokens, in_flight.trusted_until.unix_seconds()), (0, START + 660));
    there.look().await.expect("a look");
    assert_eq!((there.signer(), there.published_count()), (kid.clone(), 1));
    assert!(!there.jwks().body().contains(first.as_str()));
    // The pending key is called up.
    let pending = there.rotate(ana()).await.expect("a key").kid;
    let called_up = there.revoke(&kid, ana()).await.expect("withdrawn");
    assert!(
        matches!(&called_up, Withdrawn::Done { signer: Some(Successor::CalledUp { kid }), .. } if *kid == pending)
    );
    here.look().await.expect("a look");
    assert_eq!((here.signer(), here.published_count()), (pending.clone(), 1));
    assert_eq!(here.revoke(&kid, ana()).await.expect("an answer"), Withdrawn::Before);
    let unknown = Kid::new("nobody").expect("a kid");
    assert_eq!(here.revoke(&unknown, ana()).await.expect("an answer"), Withdrawn::Unknown);
    // Whatever the clock says, it stays withdrawn; and a restart finds it so.
    house.clock.set_unix_seconds(START - 1_000_000);
    assert_eq!((here.signer(), house.process().await.signer()), (pending.clone(), pending));
    let deeds: Vec<_> = here.deeds().await;
    let by_ana = |deed| (deed, Some(ana()));
    assert_eq!(deeds, [by_ana("revoke"), by_ana("rotate"), by_ana("revoke"), ("rotate", None)]);
}

#[tokio::test]
async fn a_clock_that_jumps_breaks_nothing_and_makes_no_flood_of_keys() {
    let house = House::new();
    let process = house.process().await;
    for seconds in [START, START + 31_536_000, START, START - 31_536_000, START, START + 60] {
        house.clock.set_unix_seconds(seconds);
        for _ in 0..3 {
            process.round().await;
        }
        process.look().await.expect("a look");
        let signer = process.signer();
        assert!(process.jwks().body().contains(signer.as_str()), "at {seconds}");
    }
    assert!(process.held_ledger().keys.len() <= 3, "one a jump at most");
}

#[tokio::test]
async fn everything_moves_under_another_encryption_key_while_servers_go_on() {
    let house = House::new();
    let random = &SystemRandom;
    let before = house.process().await;
    let digest = open_identifier_digest(&before.store, &encryption_keys(&[1]), random).await.expect("opens");
    // A server that has both goes on sealing under the old one until everything moves.
    let both = SigningKeys::open(house.parts(encryption_keys(&[2, 1])).await).await.expect("opens");
    both.rotate(ana()).await.expect("a key");
    before.look().await.expect("opens under the old key");
    let done = both.reseal(ana()).await.expect("resealed");
    assert_eq!((done.signing_keys, done.secrets), (2, 1));
    for process in [&before, &both] {
        process.look().await.expect("nothing to notice");
        assert_eq!(process.published_count(), 2);
    }
    both.rotate(ana()).await.expect("sealed under the new key");
    let after =
        SigningKeys::open(house.parts(encryption_keys(&[2])).await).await.expect("the new key is enough");
    assert_eq!((after.signer(), after.published_count()), (before.signer(), 3));
    let same = open_identifier_digest(&after.store, &encryption_keys(&[2]), random).await.expect("opens");
    let subject = |digest: &IdentifierDigest| digest.of_subject(&crate::domain::Subject::User, "usr_1");
    assert_eq!(subject(&same), subject(&digest), "the key that hashes identifiers is the same");
    let old = SigningKeys::open(house.parts(encryption_keys(&[1])).await).await;
    assert!(matches!(old, Err(SigningKeysError::Key(KeyError::DoesNotOpen(_)))));
    assert!(matches!(before.look().await, Err(SigningKeysError::Key(_))), "it signs for 30 s more");
}

#[tokio::test]
async fn the_private_part_of_a_retired_key_is_thrown_away() {
    let house = House::new();
    let process = house.process().await;
    let first = process.signer();
    let made = process.rotate(ana()).await.expect("a key");
    let gone = made.activate_at.plus(TERMS.tail() + Duration::from_secs(86_400));
    house.clock.set_unix_seconds(gone.unix_seconds());
    process.look().await.expect("a look");
    process.forget_one().await.expect("forgotten");
    process.look().await.expect("a look");
    let row = process.held_ledger().keys.iter().find(|row| row.kid == first).cloned().expect("its row stays");
    assert!(!row.has_private_key());
    assert_eq!(process.signer(), made.kid);
    assert_eq!(process.deeds().await[0], ("forget", None));
    house.clock.set_unix_seconds(START);
    assert_eq!(process.signer(), made.kid, "a clock that was set back finds somebody to sign");
}

#[tokio::test]
async fn a_first_key_can_be_the_customers_own() {
    let house = House::new();
    let keys = SigningKeys::open_as_they_are(house.parts(encryption_keys(&[1])).await).await.expect("opens");
    assert!(matches!(keys.import("nonsense", ana()).await, Err(SigningKeysError::Pem(PemFault::NoKey))));
    let made = keys.import(PEM, ana()).await.expect("taken in");
    assert_eq!(made.activate_at.unix_seconds(), START);
    assert!(matches!(keys.import(PEM, ana()).await, Err(SigningKeysError::Known(kid)) if kid == made.kid));
    let process = house.process().await;
    assert_eq!(process.signer(), made.kid);
    let next = process.rotate(ana()).await.expect("a key");
    assert_eq!(next.activate_at.unix_seconds(), START + 723);
    assert_eq!(keys.deeds().await, [("rotate", Some(ana())), ("import", Some(ana()))]);
}

/// Made for tests with `openssl`; it opens nothing.
const PEM: &str = include_str!("../../../tests/keys/pkcs1-2048.pem");
