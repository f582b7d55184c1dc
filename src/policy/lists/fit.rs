//! What a list is compared with where a rule looks into it: an entry that could never match must not go unnoticed,
//! wherever it comes from.

use crate::domain::UserId;
use crate::policy::schema::TextRule;
use crate::policy::steps::read::PLATFORM_NAMES;

/// One use of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use<'b> {
    /// `signals.ip` is in it.
    Addresses,
    /// It gives `signals.ip` one of these values.
    Values(&'b [Box<str>]),
    /// A user id is in it.
    UserIds,
    /// A platform is in it.
    Platforms,
    /// A metadata field, in its normal form, is in it.
    Field(&'b TextRule),
    /// A phone number or an e-mail address is in it.
    Identifiers,
    /// Some other text is in it.
    Texts,
}

impl Use<'_> {
    /// What every entry must be.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Addresses => "an address or range",
            Self::Values(_) => "a range with a value",
            Self::UserIds => "a user id",
            Self::Platforms => "a platform",
            Self::Field(_) => "a value of this field",
            Self::Identifiers => "a phone number, or an e-mail address in small letters",
            Self::Texts => "a text",
        }
    }

    /// Whether a text could be what is compared with the list. Addresses are no texts.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::Addresses | Self::Values(_) => false,
            Self::UserIds => UserId::new(text).is_ok(),
            Self::Platforms => PLATFORM_NAMES.contains(&text),
            Self::Field(rule) => rule.normal(text) == text && rule.check(text).is_ok(),
            Self::Identifiers => is_phone(text) || (text.contains('@') && text.to_lowercase() == text),
            Self::Texts => true,
        }
    }
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}
