//! What happened: calls, rejections and facts, and by what they are told to belong together.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{
    Amount, Currency, FactKind, Facts, Identifier, Scope, StepKey, Timestamp, UserId, VerdictKind,
};

/// What events can have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// The user.
    User,
    /// The address: an IPv4 address whole, an IPv6 address by its first 64 bits, since a household has all of them.
    Ip,
    /// One of the user's e-mail addresses or phone numbers.
    Identifier,
    /// A metadata field, by its name without `metadata.`.
    Metadata(Arc<str>),
}

/// Which user, address, identifier or value: equal when those are. It says nothing by itself.
///
/// In the store it is a keyed digest, in policy tests the text itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectKey(KeyBytes);

/// A digest's bytes stand in place: there are several a call, and thousands in a busy user's past.
///
/// INVARIANT: what fits in place stands there, with zeros behind it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum KeyBytes {
    InPlace(u8, [u8; SubjectKey::BYTES]),
    Elsewhere(Box<[u8]>),
}

impl SubjectKey {
    /// How long a digest is.
    pub(crate) const BYTES: usize = 16;

    /// Takes bytes that are equal where the subjects are.
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut in_place = [0; Self::BYTES];
        Self(match (u8::try_from(bytes.len()), in_place.get_mut(..bytes.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(bytes);
                KeyBytes::InPlace(length, in_place)
            }
            _ => KeyBytes::Elsewhere(bytes.into()),
        })
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            KeyBytes::InPlace(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            KeyBytes::Elsewhere(bytes) => bytes,
        }
    }
}

/// In policy tests it is a personal value.
impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(…)")
    }
}

/// What of a call is kept so that later calls can be compared with it, in plain and normal form.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Traits {
    /// Who and what; one subject may stand there several times, with another text each.
    pub(crate) subjects: Vec<(Subject, Box<str>)>,
    /// The call's money: its name without `money.`, amount and currency.
    pub(crate) money: Vec<(Arc<str>, Amount, Currency)>,
}

impl Traits {
    /// The traits that every call has, whatever its scope: user, address and identifiers.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut subjects =
            vec![(Subject::User, facts.user_id.as_str().into()), (Subject::Ip, ip_text(facts.signals.ip))];
        for identifier in &facts.identifiers {
            let own = (Subject::Identifier, identifier_text(identifier));
            // Two that differ in capitals are one.
            if !subjects.contains(&own) {
                subjects.push(own);
            }
        }
        Self { subjects, money: Vec::new() }
    }

    /// The subjects with `key`'s word for each text.
    pub(crate) fn keyed(&self, key: impl Fn(&Subject, &str) -> SubjectKey) -> Vec<(Subject, SubjectKey)> {
        self.subjects.iter().map(|(subject, text)| (subject.clone(), key(subject, text))).collect()
    }
}

/// Subjects only: the texts are personal.
impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.subjects.iter().map(|(subject, _)| subject)).finish()
    }
}

fn ip_text(ip: IpAddr) -> Box<str> {
    let bits = if ip.is_ipv4() { 32 } else { 64 };
    ipnet::IpNet::new(ip, bits).map_or_else(|_| ip.to_string(), |net| net.trunc().to_string()).into()
}

/// Spelling does not make an e-mail address another one.
fn identifier_text(identifier: &Identifier) -> Box<str> {
    identifier.value.to_lowercase().into()
}

/// The call that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker {
    /// Who, in plain: by this rejections are found.
    pub(crate) user_id: UserId,
    /// Who and what; see [`Traits::subjects`].
    pub(crate) subjects: Vec<(Subject, SubjectKey)>,
    /// For what.
    pub(crate) scope: Scope,
    /// When.
    pub(crate) at: Timestamp,
}

/// Something that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PastEvent {
    /// A hook call and its verdict.
    Call(PastCall),
    /// A step that was rejected.
    Rejection(PastRejection),
    /// Something that was reported about a user.
    Fact(PastFact),
}

/// A hook call that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastCall {
    /// When it arrived.
    pub(crate) at: Timestamp,
    /// For what.
    pub(crate) scope: Scope,
    /// What was answered.
    pub(crate) verdict: VerdictKind,
    /// Who and what; see [`Traits::subjects`].
    pub(crate) subjects: Vec<(Subject, SubjectKey)>,
    /// See [`Traits::money`].
    pub(crate) money: Vec<(Arc<str>, Amount, Currency)>,
    /// Until when it can still be executed: `at`, the time of its steps and of its grant together. `None` for a block.
    pub(crate) usable_until: Option<Timestamp>,
    /// When it was executed, as the customer's service reported it.
    pub(crate) executed_at: Option<Timestamp>,
}

/// A step that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastRejection {
    /// When.
    pub(crate) at: Timestamp,
    /// Whose: the key of [`Subject::User`].
    pub(crate) user: SubjectKey,
    /// In a challenge for what.
    pub(crate) scope: Scope,
    /// Which step.
    pub(crate) step: StepKey,
}

/// Something that was reported about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastFact {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// To whom: the key of [`Subject::User`].
    pub(crate) user: SubjectKey,
    /// What.
    pub(crate) kind: FactKind,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdentifierKind, Metadata, Platform, Signals};

    fn key(text: &str) -> SubjectKey {
        SubjectKey::new(text.as_bytes())
    }

    #[test]
    fn traits_are_in_normal_form() {
        let identifier = |value: &str| Identifier { kind: IdentifierKind::EmailAddress, value: value.into() };
        let facts = |ip: &str| Facts {
            scope: Scope::new("a:b").expect("a scope"),
            user_id: UserId::new("u").expect("a user id"),
            identifiers: vec![identifier("User@Example.com"), identifier("+331")],
            signals: Signals {
                user_agent: "".into(),
                platform: Platform::Web,
                ip: ip.parse().expect("an address"),
            },
            metadata: Metadata::default(),
            received_at: Timestamp::from_unix_seconds(0),
        };
        let texts = |ip| Traits::of(&facts(ip)).keyed(|_, text| key(text));
        let expected = |ip: &str| {
            vec![
                (Subject::User, key("u")),
                (Subject::Ip, key(ip)),
                (Subject::Identifier, key("user@example.com")),
                (Subject::Identifier, key("+331")),
            ]
        };
        assert_eq!(texts("192.0.2.1"), expected("192.0.2.1/32"));
        assert_eq!(texts("2001:db8:1:2:3::4"), expected("2001:db8:1:2::/64"));
        assert_eq!(format!("{:?}", Traits::of(&facts("192.0.2.1"))), "[User, Ip, Identifier, Identifier]");
    }
}
