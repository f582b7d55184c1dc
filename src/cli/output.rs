//! The only place that prints: data to stdout, talk to stderr.

use std::io::Write as _;

use super::arguments::Format;
use crate::config::ConfigFaults;

/// Prints data, with a line end. A reader that went away (`| head`) is no fault.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
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

/// An error and its causes in one line, for people at a terminal.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
