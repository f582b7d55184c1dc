//! What the fuzz targets begin with, and whatever they found, through the targets' own checks.
//!
//! `fuzz/run.sh` goes on from here; what it finds is laid into `fuzz/found/TARGET` once it is mended.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by failing"
)]

#[path = "../../fuzz/inputs/answer.rs"]
mod answer;
#[path = "../../fuzz/inputs/callbacks.rs"]
mod callbacks;
#[path = "../../fuzz/inputs/challenge.rs"]
mod challenge;
#[path = "../../fuzz/inputs/config.rs"]
mod config;
#[path = "../../fuzz/inputs/events.rs"]
mod events;
#[path = "../../fuzz/inputs/hook.rs"]
mod hook;
#[path = "../../fuzz/inputs/loader.rs"]
mod loader;
#[path = "../../fuzz/inputs/repository.rs"]
mod repository;

use std::collections::BTreeSet;

/// A target: its name, what it begins with, and its check.
type Target = (&'static str, Vec<Vec<u8>>, fn(&[u8]) -> &'static str);

/// Checks every input, and that each of `reached` came of one of them: so that no check has become too easy.
fn hold((name, seeds, check): Target, reached: &[&str]) {
    let folder = format!("fuzz/found/{name}");
    let found = repository::names(&folder, "").into_iter();
    let found = found.map(|file| repository::read(&format!("{folder}/{file}")).into_bytes());
    let came: BTreeSet<_> = seeds.into_iter().chain(found).map(|input| check(&input)).collect();
    assert!(reached.iter().all(|word| came.contains(word)), "{name}: {came:?}");
}

#[test]
fn hook_calls_are_judged_as_their_signer_and_another_reader_say() {
    hold(("hook", hook::seeds(), hook::check), &["believed", "answered", "read"]);
}

#[test]
fn challenge_tokens_are_judged_as_their_signer_and_another_reader_say() {
    hold(("challenge", challenge::seeds(), challenge::check), &["refused", "believed", "read"]);
}

#[test]
fn providers_calls_are_believed_when_signed_and_approve_by_their_word() {
    let reached = ["approved", "rejected", "pending", "expired", "reset"];
    hold(("callbacks", callbacks::seeds(), callbacks::check), &reached);
}

#[test]
fn events_are_read_as_another_reader_finds_them() {
    hold(("events", events::seeds(), events::check), &["activated", "refused", "in part", "read"]);
}

#[test]
fn settings_load_or_say_why_without_a_value() {
    hold(("config", config::seeds(), config::check), &["loaded", "refused"]);
}

#[test]
fn policies_decide_about_their_own_tests_both_ways() {
    hold(("loader", loader::seeds(), loader::check), &["decided"]);
}
