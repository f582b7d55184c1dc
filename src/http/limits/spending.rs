//! How much of an allowance is spent: one number each, which time pays back.

use std::time::Duration;

use crate::domain::Timestamp;

/// So many within a span: all of them at once, or one after the other as the span goes by (the generic cell rate
/// algorithm of ITU-T I.371).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// What one costs, in microseconds.
    cost: i64,
    /// What may be spent.
    room: i64,
    /// What all of it costs.
    full: i64,
}

/// Until when what was spent is paid back, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spending(i64);

impl Allowance {
    /// An allowance of `count` within `span`.
    pub(super) fn of(count: u32, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let cost = (micros / i64::from(count.max(1))).max(1);
        let full = cost.saturating_mul(i64::from(count));
        Self { cost, room: full, full }
    }

    /// The same, of which half may be spent: for whoever has to leave the rest to others.
    pub(super) const fn half(self) -> Self {
        Self { room: self.full / 2, ..self }
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(self, spending: &mut Spending, now: Timestamp) -> bool {
        self.spent(spending, now).saturating_add(self.cost) <= self.room
    }

    /// Spends one, or all of it where there is less.
    pub(super) fn charge(self, spending: &mut Spending, now: Timestamp) {
        let spent = self.spent(spending, now).saturating_add(self.cost).min(self.full);
        *spending = Spending(now.unix_micros().saturating_add(spent));
    }

    /// What is spent, in microseconds. More than all of it is what a clock leaves that was set back: it becomes all of it, so
    /// that nobody is kept out for longer than the allowance's span.
    fn spent(self, spending: &mut Spending, now: Timestamp) -> i64 {
        if spending.debt(now) > self.full {
            *spending = Spending(now.unix_micros().saturating_add(self.full));
        }
        spending.debt(now)
    }
}

impl Spending {
    /// What is not paid back at a moment, in microseconds.
    pub(super) fn debt(self, now: Timestamp) -> i64 {
        self.0.saturating_sub(now.unix_micros()).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE_A_SECOND: (u32, Duration) = (3, Duration::from_secs(1));

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_micros(1_790_000_000_000_000 + millis * 1000)
    }

    #[test]
    fn all_of_it_at_once_and_then_one_after_the_other() {
        let allowance = Allowance::of(THREE_A_SECOND.0, THREE_A_SECOND.1);
        let mut spending = Spending::default();
        let mut take = |millis| {
            let has_room = allowance.has_room(&mut spending, at(millis));
            if has_room {
                allowance.charge(&mut spending, at(millis));
            }
            has_room
        };
        let taken: Vec<_> =
            [0, 0, 0, 0, 300, 334, 335, 700, 5_000, 5_000, 5_000, 5_000].map(&mut take).into();
        let expected = [true, true, true, false, false, true, false, true, true, true, true, false];
        assert_eq!(taken, expected);
    }

    #[test]
    fn whoever_comes_last_leaves_half_of_it_to_the_others() {
        let allowance = Allowance::of(10, Duration::from_secs(1));
        let mut spending = Spending::default();
        let mut taken = 0;
        while allowance.half().has_room(&mut spending, at(0)) {
            allowance.charge(&mut spending, at(0));
            taken += 1;
        }
        assert_eq!(taken, 5);
        while allowance.has_room(&mut spending, at(0)) {
            allowance.charge(&mut spending, at(0));
            taken += 1;
        }
        assert_eq!(taken, 10);
        assert!(!allowance.half().has_room(&mut spending, at(500)), "the others first");
        assert!(allowance.half().has_room(&mut spending, at(600)));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_out_for_longer_than_the_span() {
        let allowance = Allowance::of(THREE_A_SECOND.0, THREE_A_SECOND.1);
        let mut spending = Spending::default();
        (0..3).for_each(|_| allowance.charge(&mut spending, at(3_600_000)));
        assert!(!allowance.has_room(&mut spending, at(0)));
        assert!(!allowance.has_room(&mut spending, at(300)));
        assert!(allowance.has_room(&mut spending, at(334)));
    }
}
