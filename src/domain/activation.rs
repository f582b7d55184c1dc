//! When which policy came into force, and by whom.

use std::fmt;

use super::{ApiKeyId, BundleHash, Timestamp};

/// What made Doorstep read its policy files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// It started.
    Start,
    /// The files changed, or were looked at again.
    Watch,
    /// SIGHUP.
    Signal,
    /// Somebody asked over the API.
    Api(ApiKeyId),
}

impl Trigger {
    /// Reads `start`, `watch`, `signal` or `api:KEY_ID`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "start" => Some(Self::Start),
            "watch" => Some(Self::Watch),
            "signal" => Some(Self::Signal),
            other => ApiKeyId::new(other.strip_prefix("api:")?).ok().map(Self::Api),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Watch => f.write_str("watch"),
            Self::Signal => f.write_str("signal"),
            Self::Api(key) => write!(f, "api:{key}"),
        }
    }
}

impl serde::Serialize for Trigger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A policy that came into force in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActivationRecord {
    /// When.
    pub(crate) at: Timestamp,
    /// Which policy.
    pub(crate) bundle: BundleHash,
    /// The one before it; at a start the last one that is recorded.
    pub(crate) previous: Option<BundleHash>,
    /// By what.
    pub(crate) trigger: Trigger,
    /// JSON object: how the two differ; none where there is nothing to compare with.
    pub(crate) changes_json: Option<String>,
}

/// An activation with its place in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredActivation {
    /// Its place, in the order of commit.
    pub(crate) seq: i64,
    /// What was recorded.
    pub(crate) record: ActivationRecord,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_read_back() {
        for text in ["start", "watch", "signal", "api:0f0f"] {
            assert_eq!(Trigger::parse(text).map(|trigger| trigger.to_string()).as_deref(), Some(text));
        }
        for text in ["", "api:", "api", "API:0f", "cron"] {
            assert_eq!(Trigger::parse(text), None, "{text}");
        }
    }
}
