//! Where log lines and spans go, and what they never hold.
//!
//! Lines go to standard error, since standard output is for data. A line is a sentence and fields that its author chose;
//! tokens, bodies, signatures and personal values are not among them. What libraries would say below a warning is
//! dropped whatever the level: their details could hold an `Authorization` header or a statement's values. What is logged can
//! change while the process runs; how lines look cannot.

mod export;
mod panics;

use std::io::IsTerminal as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::export::Exporting;
use crate::config::{LogFormat, LogLevel, LogLevels, LogSettings, TracingSettings};
use crate::metrics::SpanCounts;
use crate::spans;

pub(crate) use export::{ExportError, try_collector};
pub(crate) use panics::hear_of_panics;

/// The process's subscriber, as far as it can be changed, once it is installed.
static INSTALLED: OnceLock<Installed> = OnceLock::new();

struct Installed {
    set_targets: SetTargets,
    exporting: Mutex<Option<Exporting>>,
}

/// Has other lines wanted from now on.
type SetTargets = Box<dyn Fn(Targets) + Send + Sync>;

/// Sends log lines to standard error from now on, as `settings` say, and spans to whoever collects them; colours only on a terminal.
///
/// - `tracing`: where spans go, and who counts them.
///
/// Once a process: a later call changes nothing.
///
/// # Errors
/// [`ExportError`]; nothing is sent anywhere then.
pub(crate) fn install(
    settings: &LogSettings,
    tracing: Option<(&TracingSettings, &SpanCounts)>,
) -> Result<(), ExportError> {
    let started = tracing.map(|(tracing, counts)| export::start(tracing, counts)).transpose()?;
    let (tracer, exporting) = started.unzip();
    install_subscriber(subscriber(settings, std::io::stderr, tracer), exporting);
    Ok(())
}

/// Sends spans to whoever collects them, and log lines nowhere: a command's words are its own.
///
/// # Errors
/// [`ExportError`]; nothing is sent anywhere then.
pub(crate) fn install_spans(tracing: &TracingSettings, counts: &SpanCounts) -> Result<(), ExportError> {
    let (tracer, exporting) = export::start(tracing, counts)?;
    let subscriber = Box::new(tracing_subscriber::registry().with(span_layer(tracer)));
    install_subscriber((subscriber, Box::new(drop)), Some(exporting));
    Ok(())
}

/// Sends log lines somewhere else, each at once, and spans nowhere.
#[cfg(feature = "testing")]
pub(crate) fn install_to<W>(settings: &LogSettings, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    install_subscriber(subscriber(settings, writer, None), None);
}

/// The only fault is that one is there already, and then that one stays.
fn install_subscriber(
    (subscriber, set_targets): (Box<dyn Subscriber + Send + Sync>, SetTargets),
    exporting: Option<Exporting>,
) {
    if subscriber.try_init().is_ok() {
        if exporting.is_some() {
            spans::switch_on();
        }
        let _ = INSTALLED.set(Installed { set_targets, exporting: Mutex::new(exporting) });
    }
}

/// Logs what `levels` say from now on, in every thread. Where nothing is installed there is nothing to change.
pub(crate) fn set_levels(levels: &LogLevels) {
    if let Some(installed) = INSTALLED.get() {
        (installed.set_targets)(targets(levels));
    }
}

/// Sends the spans that wait, for as long as `patience` lasts.
pub(crate) async fn finish(patience: Duration) {
    let exporting = INSTALLED.get().map(|installed| &installed.exporting);
    let exporting = exporting.and_then(|place| place.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(exporting) = exporting {
        exporting.finish(patience).await;
    }
}

fn subscriber<W>(
    settings: &LogSettings,
    writer: W,
    tracer: Option<SdkTracer>,
) -> (Box<dyn Subscriber + Send + Sync>, SetTargets)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let registry = tracing_subscriber::registry();
    let wanted = targets(&settings.levels);
    // Setting it fails only when the subscriber is gone, and with it all lines.
    match tracer {
        None => {
            let (filter, handle) = reload::Layer::new(wanted);
            let set: SetTargets = Box::new(move |targets| drop(handle.reload(targets)));
            (Box::new(registry.with(filter).with(lines(settings, writer))), set)
        }
        Some(tracer) => {
            let (filter, handle) = reload::Layer::new(wanted);
            let set: SetTargets = Box::new(move |targets| drop(handle.reload(targets)));
            (
                Box::new(registry.with(span_layer(tracer)).with(lines(settings, writer).with_filter(filter))),
                set,
            )
        }
    }
}

/// Hands spans of ours, and nothing else, to a tracer.
fn span_layer<S>(tracer: SdkTracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(Targets::new().with_target(spans::TARGET, LevelFilter::INFO))
}

/// Writes lines in the form that `settings` ask for.
fn lines<S, W>(settings: &LogSettings, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    match settings.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    }
}

/// Where the HTTP library tells of every request that is none: a line for each, and strangers send as many as they like.
const OF_STRANGERS: [&str; 2] = ["actix_http::h1::dispatcher", "actix_http::h1::decoder"];

/// Our own lines as `levels` say, everybody else's from a warning up, and none about what is no request.
fn targets(levels: &LogLevels) -> Targets {
    let own = severity(levels.base);
    let house = env!("CARGO_CRATE_NAME");
    let rooms = levels.rooms.iter().map(|(room, level)| (format!("{house}::{room}"), severity(*level)));
    let silent = OF_STRANGERS.map(|target| (target, LevelFilter::OFF));
    let others = Targets::new().with_default(own.min(LevelFilter::WARN)).with_targets(silent);
    others.with_target(house, own).with_targets(rooms)
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
        let (subscriber, _) = subscriber(&settings(level, format), move || writer.clone(), None);
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(code = "e1", "own error");
            tracing::info!(count = 2, "own info");
            tracing::debug!("own debug");
            tracing::error!(target: "library", "library error");
            tracing::warn!(target: "library::inner", "library warn");
            tracing::info!(target: "library", "library info");
            tracing::trace!(target: "library", "library trace");
            tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
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
        let (subscriber, set) =
            subscriber(&settings(LogLevel::Warn, LogFormat::Pretty), move || writer.clone(), None);
        let say = |round: &str| {
            tracing::debug!(target: "doorstep::http::hook", round, "of http");
            tracing::debug!(target: "doorstep::store", round, "of store");
            tracing::debug!(target: "library", round, "of a library");
        };
        tracing::subscriber::with_default(subscriber, || {
            say("first");
            let levels = |base, room| LogLevels { base, rooms: vec![("http", room)] };
            set(targets(&levels(LogLevel::Warn, LogLevel::Debug)));
            say("second");
            set(targets(&levels(LogLevel::Trace, LogLevel::Error)));
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
        install(&settings, None).expect("it is installed");
        install(&settings, None).expect("it stays");
        set_levels(&settings.levels);
    }
}
