#![no_main]

#[path = "../inputs/answer.rs"]
mod answer;
#[path = "../corpus.rs"]
mod corpus;
#[path = "../inputs/hook.rs"]
mod hook;

libfuzzer_sys::fuzz_target!(init: corpus::begin(hook::seeds()), |input: &[u8]| {
    hook::check(input);
});
