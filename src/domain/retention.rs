//! How long what is recorded is kept.

use std::fmt;
use std::time::Duration;

use super::{
    Counts, HISTORY_KEPT, HistoryNeed, Kid, LONGEST_USE, Measure, Period, Timestamp, UserId, Window,
};

/// How much older than asked for something is before it goes: no clock and no queue makes it go too early.
const GRACE: Duration = Duration::from_hours(1);
/// The longest that a day of any zone has beyond 24 hours, rounded up.
const CLOCK_CHANGE: Duration = Duration::from_hours(2);

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// So long, counted from when it happened.
    For(Duration),
    /// As long as there is a record.
    Forever,
}

impl Kept {
    /// Whether something is still there after so long.
    pub(crate) fn lasts(self, span: Duration) -> bool {
        match self {
            Self::For(kept) => kept >= span,
            Self::Forever => true,
        }
    }

    /// What happened before this moment has had its time; `None` where nothing ever has.
    pub(crate) fn ends_before(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::For(kept) => Some(now.minus(kept).minus(GRACE)),
            Self::Forever => None,
        }
    }

    /// The longer of two.
    pub(crate) fn or_longer(self, other: Self) -> Self {
        match (self, other) {
            (Self::For(one), Self::For(other)) => Self::For(one.max(other)),
            _ => Self::Forever,
        }
    }
}

/// As settings say it, in whole days where that is exact.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(kept) => f.write_str(&in_days(*kept)),
            Self::Forever => f.write_str("forever"),
        }
    }
}

/// How long each kind of row is kept. Answers to an `Idempotency-Key` are kept for a day, whatever stands here; keys, bundles,
/// erasures and what retention leaves are kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetentionTerms {
    /// Decisions, with what finds them.
    pub(crate) decisions: Kept,
    /// Personal values of decisions and verifications.
    pub(crate) personal_values: Kept,
    /// Decisions about users whose personal values were erased.
    pub(crate) erased_users: Kept,
    /// That grants were spent; at least as long as the decisions.
    pub(crate) redemptions: Kept,
    /// Verifications with their events, tokens, late approvals and providers' events.
    pub(crate) verifications: Kept,
    /// What was reported of users.
    pub(crate) facts: Kept,
    /// The digests of what Prelude told.
    pub(crate) prelude_events: Kept,
    /// Who looked at what.
    pub(crate) accesses: Kept,
    /// What the fraud desk did.
    pub(crate) desk_actions: Kept,
    /// Which policy was in force when.
    pub(crate) activations: Kept,
    /// Signatures of calls, counted from when their key had left Prelude's set.
    pub(crate) signatures: Kept,
}

/// A part of the record in which policies look into the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// Decisions, and which were executed.
    Decisions,
    /// Steps that were rejected.
    Verifications,
    /// Facts.
    Facts,
}

impl Past {
    /// What is kept of it, by what a user's erasure leaves of it too.
    pub(crate) fn kept(self, terms: &RetentionTerms) -> Kept {
        match self {
            Self::Decisions => terms.decisions.shorter(terms.erased_users),
            Self::Verifications => terms.verifications,
            Self::Facts => terms.facts,
        }
    }

    /// The settings that say so.
    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::Decisions => "retention.decisions and retention.erased_users",
            Self::Verifications => "retention.verifications",
            Self::Facts => "retention.facts",
        }
    }
}

impl Kept {
    fn shorter(self, other: Self) -> Self {
        match (self, other) {
            (Self::For(one), Self::For(other)) => Self::For(one.min(other)),
            (Self::Forever, kept) | (kept, Self::Forever) => kept,
        }
    }
}

impl HistoryNeed {
    /// The oldest that something can be that counts, and where it is looked for. At every moment of every calendar, what
    /// [`HistoryNeed::reaches_back_to`] tells of one is not before that.
    pub(crate) fn reaches(&self) -> Vec<(Past, Duration)> {
        let window = match &self.window {
            Window::Over(span) => *span,
            Window::Per(period, _) => days(match period {
                Period::Day => 1,
                Period::Week => 7,
                Period::Month => 31,
            })
            .saturating_add(CLOCK_CHANGE),
            Window::SinceExecutedReview | Window::Ever => HISTORY_KEPT,
        };
        let until_executed = if self.counts == Counts::Asked { Duration::ZERO } else { LONGEST_USE };
        let span = window.saturating_add(until_executed);
        match self.measure {
            Measure::Rejected | Measure::Fact(_) => {
                let own = if self.measure == Measure::Rejected { Past::Verifications } else { Past::Facts };
                let review = (self.window == Window::SinceExecutedReview).then_some((Past::Decisions, span));
                std::iter::once((own, span)).chain(review).collect()
            }
            _ => vec![(Past::Decisions, span)],
        }
    }
}

/// That nothing of a user is deleted or erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Whose.
    pub(crate) user_id: UserId,
    /// Since when.
    pub(crate) held_at: Timestamp,
    /// Until when, where that is known.
    pub(crate) until: Option<Timestamp>,
    /// Who wanted it.
    pub(crate) actor: Box<str>,
    /// Why.
    pub(crate) reason: Box<str>,
}

/// SHA-256 of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thumbprint(pub(crate) [u8; 32]);

/// A key of Prelude's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreludeKey {
    /// Its name.
    pub(crate) kid: Kid,
    /// The key itself; none where only the name was kept.
    pub(crate) thumbprint: Option<Thumbprint>,
}

impl PreludeKey {
    /// Whether a key is this one, as far as it is known.
    pub(crate) fn is(&self, kid: &Kid, thumbprint: Thumbprint) -> bool {
        self.thumbprint.map_or(self.kid == *kid, |own| own == thumbprint)
    }
}

const fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}

/// Writes a span in days, rounded up: what is written is enough.
pub(crate) fn in_days(span: Duration) -> String {
    format!("{}d", span.as_secs().div_ceil(86_400))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{Executions, Scopes, Subject, Zone};

    fn need(window: Window, counts: Counts) -> HistoryNeed {
        HistoryNeed {
            measure: Measure::Calls,
            by: BTreeSet::from([Subject::User]),
            window,
            scopes: Scopes::Same,
            verdicts: None,
            counts,
        }
    }

    #[test]
    fn nothing_counts_that_is_older_than_a_need_reaches() {
        let zones =
            ["UTC", "Europe/Berlin", "Pacific/Apia", "Antarctica/Troll", "America/St_Johns", "Asia/Manila"];
        let zones = zones.map(|name| Zone::named(name).expect("a zone"));
        let mut windows = vec![Window::Over(days(3)), Window::SinceExecutedReview, Window::Ever];
        for zone in zones {
            windows.extend(Period::ALL.map(|period| Window::Per(period, zone.clone())));
        }
        let counts = [Counts::Asked, Counts::Executed, Counts::Usable(Executions::Unreported)];
        for need in windows.into_iter().flat_map(|window| counts.map(|counts| need(window.clone(), counts))) {
            let [(Past::Decisions, reach)] = need.reaches()[..] else { panic!("{need}") };
            // Every third hour of some years.
            for hour in (0..24 * 365 * 12).step_by(3) {
                let now = Timestamp::from_unix_seconds(1_300_000_000 + hour * 3600);
                assert!(now.since(need.reaches_back_to(now)) <= reach, "{need} at {now}");
            }
        }
    }

    #[test]
    fn rejections_and_facts_are_looked_for_where_they_are() {
        let rejected =
            HistoryNeed { measure: Measure::Rejected, ..need(Window::Over(days(2)), Counts::Asked) };
        assert_eq!(rejected.reaches(), [(Past::Verifications, days(2))]);
        let since = HistoryNeed { window: Window::SinceExecutedReview, ..rejected };
        assert_eq!(since.reaches(), [(Past::Verifications, HISTORY_KEPT), (Past::Decisions, HISTORY_KEPT)]);
    }

    #[test]
    fn what_is_kept_goes_a_little_later_and_never_earlier() {
        let now = Timestamp::from_unix_seconds(1_790_000_000);
        assert!(Kept::For(days(2)).lasts(days(2)) && !Kept::For(days(2)).lasts(days(3)));
        assert!(Kept::Forever.lasts(Duration::MAX) && Kept::Forever.ends_before(now).is_none());
        assert_eq!(Kept::For(days(2)).ends_before(now), Some(now.minus(days(2)).minus(GRACE)));
        assert_eq!(Kept::For(days(2)).or_longer(Kept::For(days(3))), Kept::For(days(3)));
        assert_eq!(Kept::For(days(2)).or_longer(Kept::Forever), Kept::Forever);
        assert_eq!([Kept::For(days(2)).to_string(), Kept::Forever.to_string()], ["2d", "forever"]);
    }
}
