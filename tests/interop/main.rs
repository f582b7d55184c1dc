//! Foreign libraries judge our tokens, our JSON Schema and the emulator, and sign the calls that we judge: PyJWT and
//! `cryptography` in Python, jose, ajv, yaml and Prelude's SDK in Node.
//!
//! `scripts/test` installs them and says where they are; without them these tests fail, because a check that cannot
//! run has not passed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what is wrong by failing"
)]

#[path = "../cli/client.rs"]
mod client;
mod described;
mod foreign;
mod generated;
mod hook;
#[path = "../cli/process.rs"]
mod process;
mod providers;
mod schema;
mod sdk;
#[path = "../cli/site.rs"]
#[expect(dead_code, reason = "shared with tests/cli")]
mod site;
mod tokens;
mod wrong_tokens;
