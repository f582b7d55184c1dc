//! Which steps there are, who can walk them where, and who may approve them (`steps.yaml`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Approver, Facts, IdentifierKind, Platform, Seconds, StepKey};

pub(crate) mod keys;
pub(crate) mod read;

/// Prelude's managed steps, in the order of messages.
const VERIFY_SMS: &str = "verify_sms";
const VERIFY_EMAIL: &str = "verify_email";
const VERIFY_PASSKEY: &str = "verify_passkey";

/// A step that the customer's side carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomStep {
    /// What it is, for people and for Prelude's registry of step keys.
    pub(crate) description: Box<str>,
    /// Where it can be walked.
    pub(crate) platforms: Platforms,
    /// How long a user has for it, where a plan does not say.
    pub(crate) expires_in: Option<Seconds>,
    /// How long its verification tokens live, where that differs from the configuration.
    pub(crate) token_ttl: Option<Seconds>,
    /// Who may say that it is done; nobody else.
    pub(crate) approved_by: Vec<Approver>,
    /// Whether a token may be minted without a recorded review, for scopes that Prelude resolves itself.
    pub(crate) without_verdict: bool,
    /// How long an approval that came too late is kept for a later challenge; none means that it is lost.
    pub(crate) approval_valid_for: Option<Duration>,
}

/// A set of platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Platforms(u8);

impl Platforms {
    const WEB: u8 = 1;
    const ANDROID: u8 = 2;
    const IOS: u8 = 4;

    /// No platform.
    pub(crate) const NONE: Self = Self(0);
    /// Browsers only: native SDKs cannot continue a custom step (docs/CONTRACT.md C4.4).
    pub(crate) const WEB_ONLY: Self = Self(Self::WEB);
    /// Every known platform.
    pub(crate) const ALL: Self = Self(Self::WEB | Self::ANDROID | Self::IOS);

    /// The set with one platform more; an unknown one changes nothing.
    #[must_use]
    pub(crate) const fn with(self, platform: &Platform) -> Self {
        match platform {
            Platform::Web => Self(self.0 | Self::WEB),
            Platform::Android => Self(self.0 | Self::ANDROID),
            Platform::Ios => Self(self.0 | Self::IOS),
            Platform::Other(_) => self,
        }
    }

    /// Whether a step with this set can be walked on the platform: on one that we do not know, only what is allowed
    /// on both native ones, since it can do no more than they can.
    pub(crate) const fn allow(self, platform: &Platform) -> bool {
        let needed = match platform {
            Platform::Web => Self::WEB,
            Platform::Android => Self::ANDROID,
            Platform::Ios => Self::IOS,
            Platform::Other(_) => Self::ANDROID | Self::IOS,
        };
        self.0 & needed == needed
    }

    /// The platforms that are in both sets.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The platforms that are in one of the sets.
    #[must_use]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What a user must have and where, to walk a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    /// On one of these.
    pub(crate) platforms: Platforms,
    /// With an identifier of this kind, where one is needed (docs/CONTRACT.md C4.6).
    pub(crate) identifier: Option<IdentifierKind>,
}

impl Needs {
    /// Whether the walker has what it takes.
    pub(crate) fn met_by(&self, walker: &Walker) -> bool {
        let has_identifier = match self.identifier {
            None => true,
            Some(IdentifierKind::PhoneNumber) => walker.has_phone,
            Some(IdentifierKind::EmailAddress) => walker.has_email,
            Some(IdentifierKind::Other(_)) => false,
        };
        has_identifier && self.platforms.allow(&walker.platform)
    }
}

/// Everything about a user that decides which steps can be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walker {
    /// Where they are.
    pub(crate) platform: Platform,
    /// Whether there is a phone number to send to.
    pub(crate) has_phone: bool,
    /// Whether there is an e-mail address to send to.
    pub(crate) has_email: bool,
}

impl Walker {
    /// The user of a request.
    pub(crate) fn of(facts: &Facts) -> Self {
        let has = |kind| facts.identifiers.iter().any(|identifier| identifier.kind == kind);
        Self {
            platform: facts.signals.platform.clone(),
            has_phone: has(IdentifierKind::PhoneNumber),
            has_email: has(IdentifierKind::EmailAddress),
        }
    }

    /// One walker of every kind that steps can tell apart.
    pub(crate) fn every_kind() -> Vec<Self> {
        let platforms = [Platform::Web, Platform::Android, Platform::Ios, Platform::Other("OTHER".into())];
        let mut all = Vec::with_capacity(16);
        for platform in platforms {
            for (has_phone, has_email) in [(false, false), (false, true), (true, false), (true, true)] {
                all.push(Self { platform: platform.clone(), has_phone, has_email });
            }
        }
        all
    }
}

/// Every step that plans may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepBook {
    /// The customer's own steps.
    pub(crate) custom: BTreeMap<StepKey, CustomStep>,
    /// What `steps.yaml` says about managed steps: where they can be walked.
    managed: BTreeMap<StepKey, Platforms>,
}

impl Default for StepBook {
    /// Without `steps.yaml`: no custom step, and the managed ones but passkeys everywhere. A hook call does not tell
    /// who has a passkey, so a plan with one is a dead end unless somebody says where users have them.
    fn default() -> Self {
        let managed =
            [(VERIFY_SMS, Platforms::ALL), (VERIFY_EMAIL, Platforms::ALL), (VERIFY_PASSKEY, Platforms::NONE)];
        let named = managed.into_iter().filter_map(|(key, on)| Some((StepKey::new(key).ok()?, on)));
        Self { custom: BTreeMap::new(), managed: named.collect() }
    }
}

impl StepBook {
    /// What it takes to walk a step; `None` for a step that is not in the book.
    pub(crate) fn needs(&self, key: &str) -> Option<Needs> {
        if let Some(platforms) = self.managed.get(key) {
            let identifier = match key {
                VERIFY_SMS => Some(IdentifierKind::PhoneNumber),
                VERIFY_EMAIL => Some(IdentifierKind::EmailAddress),
                _ => None,
            };
            return Some(Needs { platforms: *platforms, identifier });
        }
        self.custom.get(key).map(|step| Needs { platforms: step.platforms, identifier: None })
    }

    /// How long a user has for a step where the plan does not say.
    pub(crate) fn usual_time(&self, key: &str) -> Option<Seconds> {
        self.custom.get(key).and_then(|step| step.expires_in)
    }

    /// The keys of all steps, managed first.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.managed.keys().chain(self.custom.keys()).map(StepKey::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walker(platform: Platform, identifiers: &str) -> Walker {
        Walker { platform, has_phone: identifiers.contains('p'), has_email: identifiers.contains('e') }
    }

    #[test]
    fn managed_steps_need_their_identifier_and_passkeys_need_naming() {
        let book = StepBook::default();
        let cases = [
            ("verify_sms", Platform::Web, "p", true),
            ("verify_sms", Platform::Web, "e", false),
            ("verify_email", Platform::Ios, "e", true),
            ("verify_email", Platform::Ios, "p", false),
            ("verify_passkey", Platform::Web, "pe", false),
            ("verify_sms", Platform::Other("TV".into()), "p", true),
        ];
        for (key, platform, identifiers, expected) in cases {
            let needs = book.needs(key).expect("managed");
            assert_eq!(needs.met_by(&walker(platform, identifiers)), expected, "{key} {identifiers}");
        }
        assert_eq!(book.needs("kyc_review"), None);
    }

    #[test]
    fn an_unknown_platform_has_what_both_native_ones_have() {
        let tv = Platform::Other("TV".into());
        let android = Platforms::NONE.with(&Platform::Android);
        assert!(Platforms::ALL.allow(&tv));
        assert!(android.with(&Platform::Ios).allow(&tv));
        assert!(!android.allow(&tv));
        assert!(!Platforms::WEB_ONLY.with(&Platform::Ios).allow(&tv));
        assert!(Platforms::NONE.with(&tv).is_empty());
    }
}
