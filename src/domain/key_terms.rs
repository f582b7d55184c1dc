//! The terms that signing keys live by, and the spans that follow from them.

use std::time::Duration;

/// The longest life of a verification token in seconds, whoever sets it: `tokens.ttl` and a step's `token_ttl` end here.
pub(crate) const TOKEN_LIFE_SECONDS_MAX: u32 = 3600;
/// How long Prelude keeps our key set (docs/CONTRACT.md C7).
pub(crate) const PRELUDE_KEEPS_KEY_SET: Duration = Duration::from_secs(600);
/// Within which a process that works has seen what another did to the keys.
const SEEN_WITHIN: Duration = Duration::from_secs(3);
/// For how long a process that cannot look at the keys may still sign with those that it knows.
pub(crate) const KEYS_STALE_AFTER: Duration = Duration::from_secs(30);
/// Which part of Prelude's time anybody in between may keep our key set.
const SHARE_FOR_OTHERS: u32 = 10;

/// What an operator says about signing keys; everything else follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyTerms {
    /// How long a key signs before the next one takes over.
    pub(crate) rotate_every: Duration,
    /// The size of keys that are made here: 2048, 3072 or 4096.
    pub(crate) bits: u32,
    /// How long Prelude keeps our key set.
    pub(crate) jwks_cache: Duration,
    /// The most that two clocks are apart.
    pub(crate) clock_skew: Duration,
}

impl KeyTerms {
    /// How long anybody but Prelude may keep the key set, such as a proxy in front of us: whole seconds.
    pub(crate) fn jwks_max_age(&self) -> Duration {
        Duration::from_secs((self.jwks_cache / SHARE_FOR_OTHERS).as_secs())
    }

    /// How long a key stands in the key set before it signs.
    ///
    /// By then every process has published it by its own clock, what lay in caches before has gone, and no clock that
    /// runs ahead signs before that.
    pub(crate) fn lead(&self) -> Duration {
        self.jwks_cache + self.jwks_max_age() + self.clock_skew * 2 + SEEN_WITHIN
    }

    /// How long a key stands in the key set after its successor has begun to sign.
    ///
    /// A clock that runs behind, or a process that has not looked since, may sign with it for a little longer; what it
    /// signed last is looked at until that token has ended by the slowest clock.
    pub(crate) fn tail(&self) -> Duration {
        let token_life = Duration::from_secs(u64::from(TOKEN_LIFE_SECONDS_MAX));
        token_life + KEYS_STALE_AFTER + self.clock_skew + self.lead()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spans_cover_caches_clocks_and_tokens() {
        let terms = KeyTerms {
            rotate_every: Duration::from_secs(7_776_000),
            bits: 2048,
            jwks_cache: PRELUDE_KEEPS_KEY_SET,
            clock_skew: Duration::from_secs(30),
        };
        assert_eq!(terms.jwks_max_age(), Duration::from_secs(60));
        assert_eq!(terms.lead(), Duration::from_secs(600 + 60 + 60 + 3));
        assert_eq!(terms.tail(), Duration::from_secs(3600 + 30 + 30 + 723));
    }
}
