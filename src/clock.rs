//! Where "now" comes from: the one place that reads the wall clock.

use std::sync::Arc;

use crate::domain::Timestamp;

/// A source of the current moment, handed to whoever needs one so that tests can set it.
pub(crate) trait Clock: Send + Sync + 'static {
    /// Tells the current moment, UTC.
    fn now(&self) -> Timestamp;
}

/// A clock that can be shared between rooms and threads.
pub(crate) type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_system_time(std::time::SystemTime::now())
    }
}

/// A clock that stands still until it is moved.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(feature = "testing")]
impl ManualClock {
    /// Makes a clock that shows `unix_seconds`.
    #[must_use]
    pub fn at_unix_seconds(unix_seconds: i64) -> Arc<Self> {
        Arc::new(Self(std::sync::atomic::AtomicI64::new(unix_seconds.saturating_mul(1_000_000))))
    }

    /// Moves the clock by `seconds`, backwards when negative.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::SeqCst);
    }

    /// Sets the clock to `unix_seconds`.
    pub fn set_unix_seconds(&self, unix_seconds: i64) {
        self.0.store(unix_seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}
