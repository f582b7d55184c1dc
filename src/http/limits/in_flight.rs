//! How many calls are worked on. Beyond the bound a call is refused at once: a queue would only let all of them come late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::metrics::Fill;

/// The calls that are worked on.
pub(super) struct InFlight {
    most: usize,
    now: Arc<AtomicUsize>,
}

/// One of them; it goes with this value.
pub(super) struct Slot(Arc<AtomicUsize>);

impl InFlight {
    /// Room for so many.
    pub(super) fn at_most(most: usize) -> Self {
        Self { most, now: Arc::default() }
    }

    /// How many there are and may be.
    pub(super) fn fill(&self) -> Fill {
        Fill { now: self.now.load(Ordering::Relaxed), most: self.most }
    }

    /// One more, if there is room.
    pub(super) fn enter(&self) -> Option<Slot> {
        // Relaxed: it guards nothing but itself. Two that come together at the bound may both be refused, never both let in.
        let before = self.now.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(Arc::clone(&self.now));
        (before < self.most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_there_may_be_and_each_that_goes_makes_room() {
        let calls = InFlight::at_most(2);
        let (one, two) = (calls.enter(), calls.enter());
        assert!(one.is_some() && two.is_some());
        assert!(calls.enter().is_none() && calls.enter().is_none());
        drop(one);
        let three = calls.enter();
        assert!(three.is_some() && calls.enter().is_none());
    }
}
