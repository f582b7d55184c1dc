//! What a condition can look at.

use super::HistoryField;
use crate::policy::schema::{MoneyRule, Schema};

/// What a condition can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    /// `scope`.
    Scope,
    /// `user_id`.
    UserId,
    /// `signals.ip`.
    Ip,
    /// `signals.platform`.
    Platform,
    /// `signals.user_agent`.
    UserAgent,
    /// `identifiers.any`: one identifier fits.
    IdentifiersAny,
    /// `identifiers.every`: there is one, and all fit.
    IdentifiersEvery,
    /// `identifiers.count`.
    IdentifiersCount,
    /// `request.time`.
    Time,
    /// `bucket`: the user's share.
    Bucket,
    /// `metadata.NAME`, by its place in the schema.
    Metadata(usize),
    /// `money.NAME`, by its place in the schema.
    Money(usize),
    /// `history`: a question about the past, by its place in the schema.
    History(usize),
}

impl Field {
    /// The fields that every scope has, with their names in conditions.
    pub(crate) const COMMON: [(&'static str, Self); 10] = [
        ("scope", Self::Scope),
        ("user_id", Self::UserId),
        ("signals.ip", Self::Ip),
        ("signals.platform", Self::Platform),
        ("signals.user_agent", Self::UserAgent),
        ("identifiers.any", Self::IdentifiersAny),
        ("identifiers.every", Self::IdentifiersEvery),
        ("identifiers.count", Self::IdentifiersCount),
        ("request.time", Self::Time),
        ("bucket", Self::Bucket),
    ];

    /// Whether the page chose what stands here.
    pub(crate) const fn is_metadata(self) -> bool {
        matches!(self, Self::Metadata(_) | Self::Money(_))
    }

    /// Whether metadata or money is looked at, be it that of earlier calls.
    pub(crate) fn reads_metadata(self, schema: &Schema) -> bool {
        match self {
            Self::History(at) => schema.history.get(at).is_some_and(HistoryField::reads_metadata),
            field => field.is_metadata(),
        }
    }

    /// The places of the optional metadata fields without which this field is absent.
    pub(crate) fn optional_parts(self, schema: &Schema) -> Vec<usize> {
        let parts = match self {
            Self::Metadata(at) => vec![at],
            Self::Money(at) => schema.money.get(at).map_or(Vec::new(), MoneyRule::parts),
            Self::History(at) => {
                schema.history.get(at).map_or(Vec::new(), |field| field.parts(schema).collect())
            }
            _ => Vec::new(),
        };
        parts.into_iter().filter(|at| schema.is_optional(*at)).collect()
    }
}
