//! The process itself, under the names that every process has, and its panics. `/proc` is read when somebody looks, and at no other
//! time; where there is none, these are absent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;

use super::book::Book;
use super::handles::Maybe;
use super::{Count, Metrics};

/// What a tick is in `/proc/*/stat`: a hundredth of a second for programs, whatever the kernel reckons in.
const TICK: Duration = Duration::from_millis(10);

/// What is told of the process.
#[derive(Debug)]
pub(super) struct Process {
    started: Maybe<f64>,
    cpu: CpuSeconds,
    resident: Maybe<i64>,
    open_fds: Maybe<i64>,
    max_fds: Maybe<i64>,
    panics: Counter,
}

impl Process {
    pub(super) fn register(book: &mut Book) -> Self {
        Self {
            started: book.add_as(
                "process_start_time_seconds",
                "When the process was started, in Unix seconds",
                Maybe::default(),
            ),
            cpu: book.add_as("process_cpu_seconds", "Seconds of CPU that it took", CpuSeconds::default()),
            resident: book.add_as(
                "process_resident_memory_bytes",
                "Bytes of memory that it takes",
                Maybe::default(),
            ),
            open_fds: book.add_as(
                "process_open_fds",
                "Files and connections that it holds open",
                Maybe::default(),
            ),
            max_fds: book.add_as("process_max_fds", "The most that it may hold open", Maybe::default()),
            panics: book
                .add("panics", "Faults of the program that ended a task; the log has the place of each"),
        }
    }
}

/// A counter whose count somebody else keeps.
#[derive(Debug, Clone, Default)]
struct CpuSeconds(Arc<Mutex<Option<f64>>>);

impl CpuSeconds {
    fn set(&self, seconds: Option<f64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
    }

    fn get(&self) -> Option<f64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EncodeMetric for CpuSeconds {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(seconds) = self.get() else { return Ok(()) };
        encoder.encode_counter::<NoLabelSet, f64, u64>(&seconds, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }

    fn is_empty(&self) -> bool {
        self.get().is_none()
    }
}

impl Metrics {
    /// States what the kernel tells of the process now.
    pub(crate) fn process(&self) {
        let told = std::fs::read_to_string("/proc/self/stat").ok();
        let stat = told.as_deref().and_then(Stat::parse);
        self.process.cpu.set(stat.as_ref().map(|stat| stat.cpu.as_secs_f64()));
        let boot = std::fs::read_to_string("/proc/stat").ok().and_then(|text| boot(&text));
        let started = boot.zip(stat).map(|(boot, stat)| boot.saturating_add(stat.started));
        self.process.started.set(started.map(|since| since.as_secs_f64()));
        let status = std::fs::read_to_string("/proc/self/status").ok();
        self.process.resident.set(status.as_deref().and_then(resident));
        let limits = std::fs::read_to_string("/proc/self/limits").ok();
        self.process.max_fds.set(limits.as_deref().and_then(max_fds));
        // The one by which they are counted is among them.
        let open = std::fs::read_dir("/proc/self/fd").ok().map(|fds| super::level(fds.count()) - 1);
        self.process.open_fds.set(open);
    }

    /// What counts panics, for whoever hears of them.
    pub(crate) fn panics(&self) -> Count {
        Count::of(self.process.panics.clone())
    }
}

/// What `/proc/self/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// In user and kernel mode.
    cpu: Duration,
    /// Since the machine's start.
    started: Duration,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name stands between brackets and may hold anything; after it comes the third value.
        let (_, rest) = text.rsplit_once(')')?;
        let values: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |number: usize| Some(TICK.saturating_mul(values.get(number - 3)?.parse().ok()?));
        Some(Self { cpu: ticks(14)?.saturating_add(ticks(15)?), started: ticks(22)? })
    }
}

/// When the machine was started, by `/proc/stat`: since 1970.
fn boot(text: &str) -> Option<Duration> {
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok().map(Duration::from_secs)
}

/// The memory that is taken, by `/proc/self/status`, in bytes.
fn resident(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<i64>().ok()?.checked_mul(1024)
}

/// How many files may be open, by `/proc/self/limits`; `None` where there is no limit.
fn max_fds(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "42 (a) name) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0 12345 1000 200";
        let expected = Stat { cpu: Duration::from_secs(2), started: Duration::from_millis(123_450) };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("42 (name) S 1"), None);
        assert_eq!(boot("cpu 1 2\nbtime 1790000000\n"), Some(Duration::from_secs(1_790_000_000)));
        assert_eq!(resident("VmPeak:\t 9 kB\nVmRSS:\t   2048 kB\n"), Some(2_097_152));
        assert_eq!(max_fds("Max open files            1024                 4096        files\n"), Some(1024));
        assert_eq!(max_fds("Max open files            unlimited            unlimited   files\n"), None);
    }

    #[test]
    fn a_process_tells_of_itself() {
        let metrics = Metrics::new();
        metrics.process();
        let text = metrics.render_plain();
        for name in ["process_start_time_seconds", "process_cpu_seconds_total", "process_open_fds"] {
            assert!(text.contains(&format!("\n{name} ")), "{name}\n{text}");
        }
    }
}
