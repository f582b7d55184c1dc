#![no_main]

#[path = "../inputs/answer.rs"]
mod answer;
#[path = "../corpus.rs"]
mod corpus;
#[path = "../inputs/loader.rs"]
mod loader;
#[path = "../inputs/repository.rs"]
mod repository;

libfuzzer_sys::fuzz_target!(init: corpus::begin(loader::seeds()), |input: &[u8]| {
    loader::check(input);
});
