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

/// A clock that stands still until it is moved, or goes on at each look.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct ManualClock {
    micros: std::sync::atomic::AtomicI64,
    micros_a_look: std::sync::atomic::AtomicI64,
}

#[cfg(feature = "testing")]
impl ManualClock {
    /// Makes a clock that shows `unix_seconds`.
    #[must_use]
    pub fn at_unix_seconds(unix_seconds: i64) -> Arc<Self> {
        let micros = unix_seconds.saturating_mul(1_000_000).into();
        Arc::new(Self { micros, micros_a_look: 0.into() })
    }

    /// Moves the clock by `seconds`, backwards when negative.
    pub fn advance_seconds(&self, seconds: i64) {
        self.micros.fetch_add(seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::SeqCst);
    }

    /// Sets the clock to `unix_seconds`.
    pub fn set_unix_seconds(&self, unix_seconds: i64) {
        self.micros.store(unix_seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::SeqCst);
    }

    /// From now on every look moves it by `seconds`: whoever looks twice where one moment is meant sees two.
    pub fn go_on_by_seconds(&self, seconds: i64) {
        self.micros_a_look.store(seconds.saturating_mul(1_000_000), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let step = self.micros_a_look.load(std::sync::atomic::Ordering::SeqCst);
        Timestamp::from_unix_micros(self.micros.fetch_add(step, std::sync::atomic::Ordering::SeqCst))
    }
}
