//! A simulated hour of traffic, with faults, thrown from a seed: two servers on one record, a clock that is set by hand, callers
//! that race, come again and hang up, and an outside ledger that everything is held against.
//!
//! In the suite it lasts six simulated minutes; `benches/hour.sh` runs the whole hour for several seeds.
//! `DOORSTEP_TEST_HOUR_SEED` and `DOORSTEP_TEST_HOUR_SECONDS` choose. The same seed throws the same acts as far as they do not
//! follow from who won a race: that is up to the machine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing, and this one what it did"
)]

mod bundle;
mod check;
mod deed;
mod dice;
mod hour;
mod ledger;
mod place;
mod plan;
mod record;
mod tally;
mod verifier;
mod world;

use place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_on_sqlite() {
    Box::pin(hour::run(Place::in_a_file())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_on_postgres() {
    Box::pin(hour::run(Place::in_a_database().await)).await;
}
