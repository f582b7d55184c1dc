//! What happens when the database does not do its part: black-box tests with a real server, real sockets, and outages of every
//! kind. Whatever was answered must be in the record, once, and nothing else may have been granted.
//!
//! The tests on PostgreSQL need the server that `DOORSTEP_TEST_POSTGRES` names, or make their own by `scripts/postgres`; those that
//! fill or break a disk mount a small one, which takes root.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by failing"
)]

mod disks;
mod files;
mod ledger;
mod memory;
mod network;
mod postgres;
mod restarts;
mod site;
