//! The metrics' text, for however many ask: it takes a millisecond to write, and strangers may ask where there is one listener.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;

/// How often the text is written within a second; whoever asks beyond that gets the last one, which is younger than a second.
const WRITTEN_A_SECOND: u32 = 100;
const SECOND: Duration = Duration::from_secs(1);

/// What was written within the current second.
#[derive(Default)]
pub(in crate::http) struct Scrapes(Mutex<Written>);

#[derive(Default)]
struct Written {
    since: Option<Instant>,
    times: u32,
    open: Option<Bytes>,
    plain: Option<Bytes>,
}

impl Scrapes {
    /// The text as it is now, or as it was within this second where it was written often enough.
    ///
    /// - `is_open`: which of the two forms is wanted.
    pub(super) fn text(&self, is_open: bool, now: Instant, write: impl FnOnce() -> String) -> Bytes {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.since.is_none_or(|since| now.saturating_duration_since(since) >= SECOND) {
            *written = Written { since: Some(now), ..Written::default() };
        }
        let last = if is_open { &written.open } else { &written.plain };
        if let Some(text) = last
            && written.times >= WRITTEN_A_SECOND
        {
            return text.clone();
        }
        let text = Bytes::from(write());
        written.times = written.times.saturating_add(1);
        *(if is_open { &mut written.open } else { &mut written.plain }) = Some(text.clone());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_so_often_a_second_and_given_to_all() {
        let (scrapes, now) = (Scrapes::default(), Instant::now());
        let mut times = 0;
        let mut text = |is_open, now| {
            scrapes.text(is_open, now, || {
                times += 1;
                format!("{is_open} {times}")
            })
        };
        for time in 1..=100 {
            assert_eq!(text(true, now), format!("true {time}"));
        }
        assert_eq!(text(true, now), "true 100", "the last one");
        assert_eq!(text(false, now), "false 101", "there is none of this form yet");
        assert_eq!(text(false, now), "false 101");
        assert_eq!(text(true, now + SECOND), "true 102");
        assert_eq!(text(true, now + SECOND), "true 103");
    }
}
