#![no_main]

#[path = "../inputs/callbacks.rs"]
mod callbacks;
#[path = "../inputs/config.rs"]
mod config;
#[path = "../corpus.rs"]
mod corpus;
#[path = "../inputs/repository.rs"]
mod repository;

libfuzzer_sys::fuzz_target!(init: corpus::begin(config::seeds()), |input: &[u8]| {
    config::check(input);
});
