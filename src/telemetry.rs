//! Where log lines go, and what they never hold.
//!
//! Lines go to standard error, since standard output is for data. A line is a sentence and fields that its author chose;
//! tokens, bodies, signatures and personal values are not among them. What libraries would say below a warning is
//! dropped whatever the level: their details could hold an `Authorization` header or a statement's values. What is logged can
//! change while the process runs; how lines look cannot.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use tracing::Subscriber;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, LogLevel, LogLevels, LogSettings};

/// The filter of the process's subscriber, once it is installed.
static FILTER: OnceLock<Filter> = OnceLock::new();

type Filter = reload::Handle<Targets, Registry>;

/// Sends log lines to standard error from now on, as `settings` say; colours only on a terminal.
///
/// Once a process: a later call changes nothing.
pub(crate) fn install(settings: &LogSettings) {
    install_to(settings, std::io::stderr);
}

/// The same, with another place for the lines; each is written at once.
pub(crate) fn install_to<W>(settings: &LogSettings, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (subscriber, filter) = subscriber(settings, writer);
    // The only fault is that a subscriber is there already, and then the first one stays.
    if subscriber.try_init().is_ok() {
        let _ = FILTER.set(filter);
    }
}

/// Logs what `levels` say from now on, in every thread. Where nothing is installed there is nothing to change.
pub(crate) fn set_levels(levels: &LogLevels) {
    if let Some(filter) = FILTER.get() {
        // It fails only when the subscriber is gone, and with it all lines.
        let _ = filter.reload(targets(levels));
    }
}

fn subscriber<W>(settings: &LogSettings, writer: W) -> (Box<dyn Subscriber + Send + Sync>, Filter)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let (filter, handle) = reload::Layer::new(targets(&settings.levels));
    let registry = tracing_subscriber::registry().with(filter);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match settings.format {
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true).with_span_list(false))),
        LogFormat::Pretty => Box::new(registry.with(lines.with_ansi(std::io::stderr().is_terminal()))),
    };
    (subscriber, handle)
}

/// Our own lines as `levels` say, everybody else's from a warning up.
fn targets(levels: &LogLevels) -> Targets {
    let own = severity(levels.base);
    let house = env!("CARGO_CRATE_NAME");
    let rooms = levels.rooms.iter().map(|(room, level)| (format!("{house}::{room}"), severity(*level)));
    Targets::new().with_default(own.min(LevelFilter::WARN)).with_target(house, own).with_targets(rooms)
}

const fn severity(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        fn lines(&self) -> Vec<String> {
            let bytes = self.0.lock().expect("no writer panics").clone();
            String::from_utf8(bytes).expect("text").lines().map(ToOwned::to_owned).collect()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no writer panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn settings(base: LogLevel, format: LogFormat) -> LogSettings {
        LogSettings { levels: LogLevels { base, rooms: Vec::new() }, format }
    }

    /// What is written when we and a library say something at every level.
    fn lines(level: LogLevel, format: LogFormat) -> Vec<String> {
        let captured = Captured::default();
        let writer = captured.clone();
        let (subscriber, _) = subscriber(&settings(level, format), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(code = "e1", "own error");
            tracing::info!(count = 2, "own info");
            tracing::debug!("own debug");
            tracing::error!(target: "library", "library error");
            tracing::warn!(target: "library::inner", "library warn");
            tracing::info!(target: "library", "library info");
            tracing::trace!(target: "library", "library trace");
        });
        captured.lines()
    }

    fn messages(level: LogLevel) -> Vec<String> {
        let message = |line: String| {
            let line: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
            line["message"].as_str().expect("a sentence").to_owned()
        };
        lines(level, LogFormat::Json).into_iter().map(message).collect()
    }

    #[test]
    fn the_level_is_ours_and_libraries_only_warn() {
        let of_libraries = ["library error", "library warn"];
        assert_eq!(messages(LogLevel::Error), ["own error", "library error"]);
        assert_eq!(messages(LogLevel::Warn), [&["own error"], &of_libraries[..]].concat());
        assert_eq!(messages(LogLevel::Info), [&["own error", "own info"], &of_libraries[..]].concat());
        let all = [&["own error", "own info", "own debug"], &of_libraries[..]].concat();
        assert_eq!(messages(LogLevel::Debug), all);
        assert_eq!(messages(LogLevel::Trace), all);
    }

    #[test]
    fn a_json_line_has_its_fields_at_the_top() {
        let first = lines(LogLevel::Error, LogFormat::Json).remove(0);
        let first: serde_json::Value = serde_json::from_str(&first).expect("a JSON line");
        assert_eq!((&first["code"], &first["level"]), (&"e1".into(), &"ERROR".into()));
    }

    #[test]
    fn a_pretty_line_is_one_line_with_its_fields() {
        let first = lines(LogLevel::Error, LogFormat::Pretty).remove(0);
        assert!(first.contains("own error") && first.contains("code="), "{first}");
    }

    #[test]
    fn a_room_has_a_level_of_its_own_and_another_one_later() {
        let captured = Captured::default();
        let writer = captured.clone();
        let (subscriber, filter) =
            subscriber(&settings(LogLevel::Warn, LogFormat::Pretty), move || writer.clone());
        let say = |round: &str| {
            tracing::debug!(target: "doorstep::http::hook", round, "of http");
            tracing::debug!(target: "doorstep::store", round, "of store");
            tracing::debug!(target: "library", round, "of a library");
        };
        tracing::subscriber::with_default(subscriber, || {
            say("first");
            let levels = LogLevels { base: LogLevel::Warn, rooms: vec![("http", LogLevel::Debug)] };
            filter.reload(targets(&levels)).expect("it is there");
            say("second");
            filter
                .reload(targets(&LogLevels { base: LogLevel::Trace, rooms: vec![("http", LogLevel::Error)] }))
                .expect("it is there");
            say("third");
        });
        let lines = captured.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("of http") && lines[0].contains("second"), "{lines:?}");
        assert!(lines[1].contains("of store") && lines[1].contains("third"), "{lines:?}");
    }

    #[test]
    fn installing_twice_is_fine() {
        let settings = settings(LogLevel::Error, LogFormat::Pretty);
        install(&settings);
        install(&settings);
        set_levels(&settings.levels);
    }
}
