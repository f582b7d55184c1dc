//! The only place that prints: data to stdout, talk to stderr.

use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::arguments::Format;
use crate::config::ConfigFaults;
use crate::domain::causes;

/// Whether data could not be printed; see [`is_complete`].
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints data, with a line end. A reader that went away (`| head`) is no fault, a full disk is one.
pub(super) fn say(text: &str) {
    let _is_taken = is_taken(text);
}

/// Prints data, with a line end, and tells whether anybody takes it: who has much to print stops where nobody does.
pub(super) fn is_taken(text: &str) -> bool {
    let Err(error) = hand_over(text) else { return true };
    if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
        complain(&format!("Standard output does not take what there is to print: {error}."));
    }
    false
}

/// Prints data that somebody must get.
///
/// # Errors
/// Nobody gets it.
pub(super) fn hand_over(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush())
}

/// Whether all data was printed, as far as somebody wanted it.
pub(super) fn is_complete() -> bool {
    !LOST.load(Ordering::Relaxed)
}

/// Prints talk: what is going on, what went wrong.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says why settings were refused: for people, or as JSON where a program asked.
pub(super) fn refuse_settings(faults: &ConfigFaults, format: Format) {
    match format {
        Format::Human => complain(&faults.to_string()),
        Format::Json => complain(&faults.to_json().to_string()),
    }
}

/// An error and its causes, for people at a terminal.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    causes(error).in_lines()
}
