//! Doorstep: the customer's side of Prelude's step-up, whole.
//!
//! A signed hook call comes in, a recorded verdict goes out; a finished custom step becomes a verification token
//! that Prelude accepts. The rooms, from the inside out:
//!
//! - [`domain`]: the vocabulary, without IO. [`clock`], [`random`]: where "now" and randomness come from. [`metrics`]: what is measured.
//!   [`spans`]: what requests go through.
//! - [`policy`]: policy files, checked and compiled into a pure, total matcher.
//! - [`prelude`]: everything Prelude says or hears. [`keys`], [`token`]: our signing keys and what they sign.
//! - [`callbacks`]: what identity-check providers say by webhook, verified and understood.
//! - [`store`]: the record; the only room that knows SQL.
//! - [`app`]: the use cases, one file each. [`http`]: the only room that knows actix. [`cli`]: the commands.
//! - [`config`], [`telemetry`], [`boot`]: settings in, a running application out.
//! - [`emulator`]: Prelude's side, for the demo, development and tests; it shares no code with what it checks.
//!
//! `docs/ARCHITECTURE.md` has the doors between the rooms and the ways through; `tests/tidy.rs` holds them.
mod app;
mod boot;
mod callbacks;
pub mod cli;
mod clock;
mod config;
mod domain;
mod emulator;
mod http;
mod keys;
mod metrics;
mod policy;
mod prelude;
mod random;
mod spans;
mod store;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
