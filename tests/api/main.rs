//! Black-box tests: a real server, real sockets, genuinely signed calls, a real SQLite file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by failing"
)]

mod bench;
mod decisions;
mod headers;
mod hook;
mod jwks;
mod mint;
mod repeats;
mod vectors;
