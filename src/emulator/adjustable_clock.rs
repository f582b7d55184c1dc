//! The emulator's time: the machine's, set ahead by whoever tests what expires.

use std::sync::atomic::{AtomicI64, Ordering};

use super::Now;

/// A clock that can be set ahead of the machine's.
pub(super) struct AdjustableClock {
    machine: Now,
    ahead_seconds: AtomicI64,
}

impl AdjustableClock {
    /// A clock that shows what the machine's shows.
    pub(super) fn new(machine: Now) -> Self {
        Self { machine, ahead_seconds: AtomicI64::new(0) }
    }

    /// Now, Unix seconds: everything of the emulator's own is judged by this.
    pub(super) fn now(&self) -> i64 {
        self.machine_now().saturating_add(self.ahead_seconds())
    }

    /// The machine's time, Unix seconds: what somebody else's clock is compared with.
    pub(super) fn machine_now(&self) -> i64 {
        (self.machine)()
    }

    /// How far it is ahead, in seconds.
    pub(super) fn ahead_seconds(&self) -> i64 {
        self.ahead_seconds.load(Ordering::SeqCst)
    }

    /// Sets it ahead of the machine's by this many seconds; 0 is the machine's time again.
    pub(super) fn set_ahead(&self, seconds: u32) {
        self.ahead_seconds.store(i64::from(seconds), Ordering::SeqCst);
    }
}
