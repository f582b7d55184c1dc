//! The built binary as a user meets it: real processes, real files, real sockets; stdout, stderr and exit code.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what is wrong by failing"
)]

mod api_keys;
mod audit;
mod backup;
mod canaries;
mod client;
mod collector;
mod demo;
mod desk;
mod doctor;
mod emulator;
mod encryption_key;
mod export;
mod exporting;
mod help;
mod keys;
mod killed;
mod log_levels;
mod manual;
mod packages;
mod policies;
mod prelude;
mod process;
mod record;
mod reload;
mod retention;
mod settings;
mod sharing;
mod site;
mod stopping;
mod strangers;
mod tls;
mod tls_choices;
mod traces;
