//! Black-box tests: a real server, real sockets, genuinely signed calls, a real SQLite file.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by failing"
)]

mod accesses;
mod alerts;
mod bench;
mod callbacks;
mod connections;
mod decisions;
mod departures;
mod described;
mod desk;
mod desk_and_files;
mod evaluate;
mod events;
mod faces;
mod facts;
mod files;
mod grants;
mod headers;
mod hook;
mod jwks;
mod keys_of_others;
mod limits;
mod methods;
mod metrics;
mod mint;
mod openapi;
mod past;
mod races;
mod record;
mod reload;
mod repeats;
mod retention;
mod reviewing;
mod rotation;
mod smuggling;
mod swaps;
mod twice;
mod vectors;
mod verifications;
