#![no_main]

#[path = "../inputs/callbacks.rs"]
mod callbacks;
#[path = "../corpus.rs"]
mod corpus;

libfuzzer_sys::fuzz_target!(init: corpus::begin(callbacks::seeds()), |input: &[u8]| {
    callbacks::check(input);
});
