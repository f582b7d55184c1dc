#![no_main]

#[path = "../inputs/challenge.rs"]
mod challenge;
#[path = "../corpus.rs"]
mod corpus;

libfuzzer_sys::fuzz_target!(init: corpus::begin(challenge::seeds()), |input: &[u8]| {
    challenge::check(input);
});
