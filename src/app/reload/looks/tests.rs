use std::path::Path;

use super::*;
use crate::policy::fingerprint;

const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// A look that differs from every other name's.
fn look(name: &str) -> Fingerprint {
    fingerprint(Path::new(name))
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

/// A watch that read `a` at [`START`].
fn having_read() -> Watch {
    let mut watch = Watch::new(START);
    assert!(!watch.is_due(look("a"), START), "nobody knows yet whether it is at rest");
    assert!(watch.is_due(look("a"), START));
    watch
}

#[test]
fn files_are_read_once_they_changed_and_came_to_rest() {
    let mut watch = having_read();
    assert!(!watch.is_due(look("a"), after(1)));
    assert!(!watch.is_due(look("b"), after(1)), "perhaps more is to come");
    assert!(!watch.is_due(look("c"), after(1)), "more has come");
    assert!(watch.is_due(look("c"), after(1)));
    assert!(!watch.is_due(look("c"), after(1)), "it was read");
}

#[test]
fn a_change_that_was_taken_back_is_none() {
    let mut watch = having_read();
    assert!(!watch.is_due(look("b"), after(1)));
    assert!(!watch.is_due(look("a"), after(1)));
    assert!(!watch.is_due(look("a"), after(1)));
}

#[test]
fn files_that_never_rest_are_read_all_the_same() {
    let mut watch = having_read();
    let looks = (0..1000).map(|at| look(&format!("{at}")));
    let due = looks.map(|look| watch.is_due(look, after(1))).position(|due| due);
    assert_eq!(due, usize::try_from(MOVING_LOOKS_MAX).ok());
}

#[test]
fn files_that_do_not_change_are_read_again_whatever_the_clock_does() {
    let mut watch = having_read();
    assert!(!watch.is_due(look("a"), after(29)));
    assert!(watch.is_due(look("a"), after(30)));
    assert!(!watch.is_due(look("a"), after(59)));
    assert!(watch.is_due(look("a"), after(60)));
    assert!(watch.is_due(look("a"), START), "the clock was set back");
    assert!(!watch.is_due(look("a"), START));
}

#[test]
fn a_change_is_read_within_two_seconds() {
    // Noticed at the next look, read at the one after it; half a second is left for a bundle of ordinary size.
    assert!(LOOK_EVERY * 2 <= Duration::from_millis(1500));
}
