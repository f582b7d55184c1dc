#![no_main]

#[path = "../corpus.rs"]
mod corpus;
#[path = "../inputs/events.rs"]
mod events;

libfuzzer_sys::fuzz_target!(init: corpus::begin(events::seeds()), |input: &[u8]| {
    events::check(input);
});
