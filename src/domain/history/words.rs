//! Needs in words: what people read, and the name under which a decision records what it saw.

use std::fmt;

use super::{Counts, HistoryNeed, Measure, Scopes, Subject, Window};
use crate::domain::VerdictKind;

/// Such as `sum of money.value of usable calls by user over 24h`. Different needs of one bundle have different words, and
/// no character in them needs escaping in JSON.
impl fmt::Display for HistoryNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.as_str();
        match &self.measure {
            Measure::Calls => write!(f, "{counts} calls")?,
            Measure::Rejected => f.write_str("rejected steps")?,
            Measure::Fact(kind) => write!(f, "facts {kind}")?,
            Measure::Sum(name) => write!(f, "sum of money.{name} of {counts} calls")?,
            Measure::Distinct(field) => write!(f, "different metadata.{field} of {counts} calls")?,
            Measure::Last => write!(f, "last of {counts} calls")?,
        }
        if let Some(kinds) = &self.verdicts {
            write!(f, " answered {}", joined(kinds.iter().map(|kind| VerdictKind::as_str(*kind)), " or "))?;
        }
        if let Scopes::These(scopes) = &self.scopes {
            write!(f, " for {}", joined(scopes, ", "))?;
        }
        write!(f, " by {}{}", joined(&self.by, " and "), self.window)
    }
}

fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>, between: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

impl Counts {
    /// The word for it in policy files.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Usable(_) => "usable",
            Self::Executed => "executed",
        }
    }
}

/// As policy files say it.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("user"),
            Self::Ip => f.write_str("ip"),
            Self::Identifier => f.write_str("identifier"),
            Self::Metadata(field) => write!(f, "metadata.{field}"),
        }
    }
}

/// With a blank before it; nothing for all that is kept.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(span) => {
                let seconds = span.as_secs();
                let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
                // A day and less is told in hours, as people write it.
                let fitting = units
                    .into_iter()
                    .find(|(unit, _)| seconds.is_multiple_of(*unit) && (seconds > *unit || *unit < 86_400));
                let (unit, letter) = fitting.unwrap_or((1, 's'));
                write!(f, " over {}{letter}", seconds / unit)
            }
            Self::Per(period, zone) => write!(f, " per {} in {}", period.as_str(), zone.name()),
            Self::SinceExecutedReview => f.write_str(" since the last executed review"),
            Self::Ever => Ok(()),
        }
    }
}
