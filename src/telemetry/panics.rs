//! What a fault of the program says: where it was, in one line of the log, and nothing of what it was about.

use std::panic::PanicHookInfo;

use crate::metrics::Count;

/// From now on panics are counted and logged as every other line is; their words are not, since they could hold a user's value.
///
/// - `count`: how many there were.
pub(crate) fn hear_of_panics(count: Count) {
    std::panic::set_hook(Box::new(move |panic| tell(panic, &count)));
}

fn tell(panic: &PanicHookInfo<'_>, count: &Count) {
    count.one();
    let place = panic.location().map(tracing::field::display);
    let thread = std::thread::current();
    tracing::error!(
        code = "panicked",
        place,
        thread = thread.name(),
        "A fault of the program ended a task; please report it with this line."
    );
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::metrics::Metrics;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no writer panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The hook is the process's: panics of other tests are told as they were.
    fn hear_of_those_of_this_thread(count: Count) {
        let (here, before) = (std::thread::current().id(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == here { tell(panic, &count) } else { before(panic) }
        }));
    }

    #[test]
    fn a_panic_is_one_line_with_its_place_and_not_its_words() {
        let (metrics, lines) = (Metrics::new(), Lines::default());
        let writer = lines.clone();
        let json = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        hear_of_those_of_this_thread(metrics.panics());
        // Where there is but one subscriber, `tracing` asks the thread that comes by a line first whether it is wanted.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        tracing::subscriber::with_default(json.finish(), || {
            let user = "usr_of_a_canary";
            std::panic::catch_unwind(|| panic!("what {user} sent")).expect_err("it panics");
        });
        let text = String::from_utf8(lines.0.lock().expect("no writer panics").clone()).expect("text");
        let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON line");
        assert_eq!((&line["code"], &line["level"]), (&"panicked".into(), &"ERROR".into()));
        assert!(line["place"].as_str().is_some_and(|place| place.contains("panics.rs:")), "{text}");
        assert!(!text.contains("canary"), "{text}");
        assert!(metrics.render().contains("doorstep_panics_total 1\n"));
    }
}
