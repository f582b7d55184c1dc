//! How an identity-check provider is configured: who signs, how, and what its words mean.

use std::fmt;

use secrecy::zeroize::Zeroizing;

use super::{Pointer, SourceName, StepKey};

/// How a provider signs and speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scheme {
    /// Standard Webhooks 1.x.
    StandardWebhooks,
    /// Persona.
    Persona,
    /// Sumsub.
    Sumsub,
    /// Veriff.
    Veriff,
    /// Onfido, now Entrust.
    Onfido,
    /// Stripe Identity.
    StripeIdentity,
    /// Didit.
    Didit,
    /// iDenfy.
    Idenfy,
    /// Anybody who signs with an HMAC.
    Generic,
}

impl Scheme {
    /// Every scheme with its word in settings.
    pub(crate) const ALL: [(&'static str, Self); 9] = [
        ("standard_webhooks", Self::StandardWebhooks),
        ("persona", Self::Persona),
        ("sumsub", Self::Sumsub),
        ("veriff", Self::Veriff),
        ("onfido", Self::Onfido),
        ("stripe_identity", Self::StripeIdentity),
        ("didit", Self::Didit),
        ("idenfy", Self::Idenfy),
        ("generic", Self::Generic),
    ];

    /// Whether the settings say what the provider's words mean, because the scheme itself does not.
    pub(crate) const fn needs_words(self) -> bool {
        matches!(self, Self::StandardWebhooks | Self::Generic)
    }
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureText {
    /// Hexadecimal digits of either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// What an HMAC hashes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Which bytes are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signed {
    /// The body.
    Body,
    /// `timestamp.body`; the header that has the timestamp.
    TimestampBody {
        /// Its name, in lower case.
        timestamp: Box<str>,
    },
    /// `id.timestamp.body`; the headers that have them. The id names the event.
    IdTimestampBody {
        /// Its name, in lower case.
        id: Box<str>,
        /// Its name, in lower case.
        timestamp: Box<str>,
    },
}

/// How a provider of [`Scheme::Generic`] signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GenericSigning {
    /// The header with the signature, in lower case.
    pub(crate) header: Box<str>,
    /// What stands before each signature, such as `sha256=`; empty for nothing.
    pub(crate) prefix: Box<str>,
    /// How signatures are written.
    pub(crate) text: SignatureText,
    /// What they hash with.
    pub(crate) hash: SignedHash,
    /// What they are made over.
    pub(crate) signed: Signed,
}

/// What a provider's words mean, for the schemes that do not say so themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutcomeWords {
    /// Where the word stands.
    pub(crate) at: Pointer,
    /// Words of a final approval.
    pub(crate) approved: Vec<Box<str>>,
    /// Words of a final rejection.
    pub(crate) rejected: Vec<Box<str>>,
    /// Words that decide nothing, and are known.
    pub(crate) pending: Vec<Box<str>>,
    /// Words of a check that ran out of time.
    pub(crate) expired: Vec<Box<str>>,
    /// Words that take an approval back.
    pub(crate) reset: Vec<Box<str>>,
}

/// Where things stand, in place of what the scheme says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// Our reference.
    pub(crate) reference: Option<Pointer>,
    /// The event's id.
    pub(crate) id: Option<Pointer>,
    /// When it happened.
    pub(crate) happened_at: Option<Pointer>,
    /// Why a check failed: a word or number, never a sentence.
    pub(crate) reason: Option<Pointer>,
}

/// A shared secret, as the bytes that key the HMAC. It never prints and is wiped when it goes.
#[derive(Clone)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes.
    pub(crate) const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever verifies.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// A provider, as configured and checked.
#[derive(Debug, Clone)]
pub(crate) struct SourceSpec {
    /// Its name, as in `provider:NAME`.
    pub(crate) name: SourceName,
    /// How it signs and speaks.
    pub(crate) scheme: Scheme,
    /// How it signs; `Some` for [`Scheme::Generic`] and for no other.
    pub(crate) signing: Option<GenericSigning>,
    /// What its words mean; `Some` where [`Scheme::needs_words`].
    pub(crate) words: Option<OutcomeWords>,
    /// The secret that it signs with; during a rotation two.
    pub(crate) secrets: Vec<SecretBytes>,
    /// The steps that it may finish.
    pub(crate) steps: Vec<StepKey>,
    /// What every event must hold, value for value, before anything follows from it.
    pub(crate) requires: Vec<(Pointer, Box<str>)>,
    /// Where things stand, where that is not as the scheme says.
    pub(crate) overrides: Overrides,
}
