//! The hook call's body in, the verdict's body out.

use std::fmt::Write;
use std::net::IpAddr;

use super::json::{self, Flaw, Json, Object};
use super::signature::SignedCall;
use crate::domain::{
    Facts, Grant, IdFault, Identifier, IdentifierKind, Metadata, MetadataFault, Platform, Scope, Signals,
    StepPlan, Timestamp, UserId, Verdict,
};

/// The most characters of a user agent. Prelude states no bound; web servers rarely take a longer header.
const USER_AGENT_CHARS_MAX: usize = 8192;
/// The most characters of a platform's or an identifier type's name, for those that Prelude may add.
const KIND_CHARS_MAX: usize = 64;
/// The most characters of an identifier; an e-mail address has at most 320.
const IDENTIFIER_CHARS_MAX: usize = 1024;
/// The most identifiers of one user.
const IDENTIFIERS_MAX: usize = 100;

/// How a known field breaks the contract. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HookFlaw {
    /// Not there, there twice, or of another type.
    #[error(transparent)]
    Form(#[from] Flaw),
    /// No name of its kind.
    #[error(transparent)]
    Name(#[from] IdFault),
    /// Outside Prelude's bounds for metadata.
    #[error(transparent)]
    Metadata(#[from] MetadataFault),
    /// No IPv4 or IPv6 address.
    #[error("is not an IP address")]
    Address,
    /// Nothing between the quotes.
    #[error("is empty")]
    Empty,
    /// More characters than the stated most.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// More entries than the stated most.
    #[error("has more than {0} entries")]
    TooMany(usize),
}

impl HookFlaw {
    /// Every name that [`Self::code`] gives.
    pub(crate) const CODES: [&'static str; 5] =
        ["body_not_json", "missing", "duplicate", "wrong_type", "invalid"];

    /// The flaw's stable name, for answers, metrics and logs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            // Another name than that of a wrong media type, which strangers send.
            Self::Form(Flaw::NotJson) => "body_not_json",
            Self::Form(Flaw::Missing) => "missing",
            Self::Form(Flaw::Duplicate) | Self::Metadata(MetadataFault::Duplicate) => "duplicate",
            Self::Form(Flaw::WrongType) => "wrong_type",
            Self::Name(_)
            | Self::Metadata(_)
            | Self::Address
            | Self::Empty
            | Self::TooLong(_)
            | Self::TooMany(_) => "invalid",
        }
    }
}

/// A signed body that breaks the contract: where, and how. It quotes nothing, so it may leave and be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{path} {flaw}")]
pub(crate) struct HookFault {
    /// The field, such as `signals.ip`; `body` for the whole.
    pub(crate) path: &'static str,
    /// What is wrong with it.
    pub(crate) flaw: HookFlaw,
}

/// A field of the body: its name in its object, and where that is.
struct Field {
    name: &'static str,
    path: &'static str,
}

const BODY: Field = Field { name: "", path: "body" };
const SCOPE: Field = Field { name: "scope_requested", path: "scope_requested" };
const USER_ID: Field = Field { name: "user_id", path: "user_id" };
const IDENTIFIERS: Field = Field { name: "identifiers", path: "identifiers" };
const IDENTIFIER_TYPE: Field = Field { name: "type", path: "identifiers[].type" };
const IDENTIFIER_VALUE: Field = Field { name: "value", path: "identifiers[].value" };
const SIGNALS: Field = Field { name: "signals", path: "signals" };
const USER_AGENT: Field = Field { name: "user_agent", path: "signals.user_agent" };
const PLATFORM: Field = Field { name: "platform", path: "signals.platform" };
const IP: Field = Field { name: "ip", path: "signals.ip" };
const METADATA: Field = Field { name: "metadata", path: "metadata" };

impl Field {
    fn fault(&self, flaw: impl Into<HookFlaw>) -> HookFault {
        HookFault { path: self.path, flaw: flaw.into() }
    }

    fn in_object<'j, 'a>(&self, object: &'j Object<'a>) -> Result<&'j Json<'a>, HookFault> {
        object.required(self.name).map_err(|flaw| self.fault(flaw))
    }

    fn text<'j>(&self, object: &'j Object<'_>, chars_max: usize) -> Result<&'j str, HookFault> {
        let text = object.text(self.name).map_err(|flaw| self.fault(flaw))?;
        if text.chars().count() > chars_max {
            return Err(self.fault(HookFlaw::TooLong(chars_max)));
        }
        Ok(text)
    }

    fn filled_text<'j>(&self, object: &'j Object<'_>, chars_max: usize) -> Result<&'j str, HookFault> {
        let text = self.text(object, chars_max)?;
        if text.is_empty() { Err(self.fault(HookFlaw::Empty)) } else { Ok(text) }
    }

    fn named<T>(&self, object: &Object<'_>, new: fn(&str) -> Result<T, IdFault>) -> Result<T, HookFault> {
        let text = object.text(self.name).map_err(|flaw| self.fault(flaw))?;
        new(text).map_err(|fault| self.fault(fault))
    }
}

/// Reads what a signed call states.
///
/// Known fields are strict: one of each, of their type, within their bounds. Unknown fields are passed over at every
/// level, since Prelude adds some. `identifiers` must be there but may be empty; `metadata` may be absent or `null`,
/// which is how some writers spell "none".
///
/// - `received_at`: when the call reached us; the call itself carries no time.
///
/// # Errors
/// [`HookFault`] names the first field, in the contract's order, that breaks the contract.
///
/// # Reference
/// docs/CONTRACT.md C2, C3.8
pub(crate) fn read(call: &SignedCall, received_at: Timestamp) -> Result<Facts, HookFault> {
    read_body(call.body(), received_at)
}

/// The same of a body that nobody need have signed: for tests alone, and not to be had without their feature.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_body(body: &[u8], received_at: Timestamp) -> Result<Facts, HookFault> {
    let document = json::parse(body).map_err(|flaw| BODY.fault(flaw))?;
    let body = document.object().map_err(|flaw| BODY.fault(flaw))?;
    Ok(Facts {
        scope: SCOPE.named(body, Scope::new)?,
        user_id: USER_ID.named(body, UserId::new)?,
        identifiers: identifiers(IDENTIFIERS.in_object(body)?)?,
        signals: signals(SIGNALS.in_object(body)?)?,
        metadata: read_metadata(body).map_err(|flaw| METADATA.fault(flaw))?.unwrap_or_default(),
        received_at,
    })
}

fn identifiers(value: &Json<'_>) -> Result<Vec<Identifier>, HookFault> {
    let entries = value.array().map_err(|flaw| IDENTIFIERS.fault(flaw))?;
    if entries.len() > IDENTIFIERS_MAX {
        return Err(IDENTIFIERS.fault(HookFlaw::TooMany(IDENTIFIERS_MAX)));
    }
    entries.iter().map(identifier).collect()
}

fn identifier(value: &Json<'_>) -> Result<Identifier, HookFault> {
    let entry = value.object().map_err(|flaw| IDENTIFIERS.fault(flaw))?;
    let kind = IDENTIFIER_TYPE.filled_text(entry, KIND_CHARS_MAX)?;
    let value = IDENTIFIER_VALUE.filled_text(entry, IDENTIFIER_CHARS_MAX)?;
    Ok(Identifier { kind: IdentifierKind::from_wire(kind), value: value.into() })
}

fn signals(value: &Json<'_>) -> Result<Signals, HookFault> {
    let signals = value.object().map_err(|flaw| SIGNALS.fault(flaw))?;
    let ip = IP.in_object(signals)?.text().map_err(|flaw| IP.fault(flaw))?;
    Ok(Signals {
        user_agent: USER_AGENT.text(signals, USER_AGENT_CHARS_MAX)?.into(),
        platform: Platform::from_wire(PLATFORM.text(signals, KIND_CHARS_MAX)?),
        // An IPv4-mapped IPv6 address is an IPv4 address, or a rule about networks could be walked around.
        ip: ip.parse::<IpAddr>().map_err(|_| IP.fault(HookFlaw::Address))?.to_canonical(),
    })
}

/// Reads the member `metadata` of a call or a token; `None` where it is absent or `null`.
///
/// # Errors
/// [`HookFlaw`] if it is there and not what the page may send.
pub(super) fn read_metadata(parent: &Object<'_>) -> Result<Option<Metadata>, HookFlaw> {
    let fields = match parent.optional(METADATA.name)? {
        None | Some(Json::Null) => return Ok(None),
        Some(value) => value.object()?,
    };
    let mut texts = Vec::new();
    for (name, value) in fields.members() {
        texts.push((name.to_owned(), value.text()?.to_owned()));
    }
    Ok(Some(Metadata::new(texts)?))
}

/// Writes the answer that Prelude reads: the status, and for all but a block the grant and its steps.
///
/// # Reference
/// docs/CONTRACT.md C4
pub(crate) fn answer(verdict: &Verdict) -> String {
    // INVARIANT: numbers, our own words and step keys (a-z A-Z 0-9 . - _ :) need no escaping in JSON, and writing into
    // a String cannot fail.
    let mut text = format!(r#"{{"status":"{}""#, verdict.as_str());
    match verdict {
        Verdict::Continue(grant) => write_grant(&mut text, *grant),
        Verdict::Review(grant, plan) => {
            write_grant(&mut text, *grant);
            write_steps(&mut text, plan);
        }
        Verdict::Block => {}
    }
    text.push('}');
    text
}

fn write_grant(text: &mut String, grant: Grant) {
    let (seconds, mode) = (grant.granted_for.get(), grant.mode.as_str());
    let _ = write!(text, r#","granted_for":{seconds},"grant_mode":"{mode}""#);
}

fn write_steps(text: &mut String, plan: &StepPlan) {
    text.push_str(r#","steps":["#);
    for (order, step) in (1_usize..).zip(plan.steps()) {
        let comma = if order == 1 { "" } else { "," };
        let (key, seconds) = (&step.key, step.expires_in.get());
        let _ = write!(text, r#"{comma}{{"order":{order},"key":"{key}","expiration_duration":{seconds}}}"#);
    }
    text.push(']');
}

#[cfg(test)]
pub(crate) mod shape;
#[cfg(test)]
mod tests;
