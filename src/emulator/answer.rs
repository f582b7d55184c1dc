//! Prelude's judgement of our answer to a hook call: what it grants or asks, or the failure by Prelude's name.
//!
//! Where the contract leaves something open, this judge refuses: what passes here passes any reading of it.

use std::fmt;

use serde_json::{Map, Value};

use super::courier::{NoReply, Reply};
use super::strict_json;

/// The step keys that Prelude carries out itself (docs/CONTRACT.md C4.6).
pub(crate) const MANAGED_STEP_KEYS: [&str; 3] = ["verify_sms", "verify_email", PASSKEY];

/// The one of them that is no code: WebAuthn, of whose calls the contract says nothing.
pub(crate) const PASSKEY: &str = "verify_passkey";

/// Prelude's word for a challenge whose steps are all done (docs/CONTRACT.md C4.7).
pub(crate) const COMPLETED: &str = "completed";

/// The longest grant and the longest step, in seconds (docs/CONTRACT.md C4.2, C4.5).
const SECONDS_MAX: u64 = 86_400;

/// The reserved scopes that may be delegated; a single use of them is not granted.
const SCOPES_BEYOND_SINGLE_USE: [&str; 2] = ["prld:pwd:write", "prld:passkey:write"];

/// How far a grant reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The next access token carries the scope, the one after it does not.
    SingleUse,
    /// The session's access tokens carry it while it lasts.
    SessionBound,
    /// The user's access tokens carry it in every session while it lasts.
    ProfileBound,
}

impl Mode {
    /// The word for it on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SingleUse => "single-use",
            Self::SessionBound => "session-bound",
            Self::ProfileBound => "profile-bound",
        }
    }

    fn from_wire(text: &str) -> Option<Self> {
        [Self::SingleUse, Self::SessionBound, Self::ProfileBound]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// What is granted, at once or after the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// How far it reaches.
    pub(crate) mode: Mode,
    /// How long it lasts: 1 to 86 400 seconds.
    pub(crate) granted_for_seconds: u32,
}

/// A step that the answer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedStep {
    /// Its place in the walk, from 1.
    pub(crate) order: u32,
    /// Which one.
    pub(crate) key: String,
    /// How long the user has for it: 0 to 86 400 seconds.
    pub(crate) expires_in_seconds: u32,
}

/// An answer that keeps every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Granted.
    Continue(Grant),
    /// Granted after these steps, which are in walking order and at least one.
    Review(Grant, Vec<AskedStep>),
    /// Not granted.
    Block,
}

/// Prelude's name for what is wrong with an answer, as its `step_up.hook_failed` event carries it.
///
/// # Reference
/// docs/CONTRACT.md C4, C9
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FailureReason {
    /// No complete answer within 5 seconds.
    RequestFailed,
    /// The status is not 200.
    InvalidStatusCode,
    /// The body is over 64 KB or no JSON object.
    ResponseDecodeFailed,
    /// A field that has no place in this answer.
    InvalidResponse,
    /// `status` is none of the three words.
    InvalidStatus,
    /// `granted_for` is not whole seconds from 1 to 86 400.
    InvalidGrantedFor,
    /// `grant_mode` is none of the three words, or not one for this scope.
    InvalidGrantMode,
    /// A review without steps.
    MissingSteps,
    /// A step that breaks a rule.
    InvalidStep,
}

impl FailureReason {
    /// Prelude's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RequestFailed => "request_failed",
            Self::InvalidStatusCode => "invalid_status_code",
            Self::ResponseDecodeFailed => "response_decode_failed",
            Self::InvalidResponse => "invalid_response",
            Self::InvalidStatus => "invalid_status",
            Self::InvalidGrantedFor => "invalid_granted_for",
            Self::InvalidGrantMode => "invalid_grant_mode",
            Self::MissingSteps => "missing_steps",
            Self::InvalidStep => "invalid_step",
        }
    }
}

/// What is wrong with an answer. The user got an error, not the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct HookFailure {
    /// Prelude's name for it.
    pub(crate) reason: FailureReason,
    /// The broken rule in words; quotes nothing.
    pub(crate) detail: &'static str,
}

impl fmt::Display for HookFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.detail)
    }
}

/// What an answer is judged by, besides the contract.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerRules<'a> {
    /// The scope that was asked for.
    pub(crate) scope: &'a str,
    /// The custom step keys that are registered with Prelude.
    pub(crate) custom_steps: &'a [String],
}

/// Judges what came back from a hook call.
///
/// - returns: the answer's meaning, its steps in walking order.
///
/// # Errors
/// The first broken rule, the envelope's before the fields'.
///
/// # Reference
/// docs/CONTRACT.md C4
pub(crate) fn judge(reply: &Result<Reply, NoReply>, rules: AnswerRules<'_>) -> Result<Answer, HookFailure> {
    let reply = reply.as_ref().map_err(|missing| match missing {
        NoReply::TimedOut => failure(FailureReason::RequestFailed, "no complete answer within 5 seconds"),
        NoReply::Unreachable => failure(FailureReason::RequestFailed, "no connection to the hook"),
    })?;
    let fields = open_envelope(reply)?;
    match fields.get("status").and_then(Value::as_str) {
        Some("block") => {
            only_fields(&fields, &["status"])?;
            Ok(Answer::Block)
        }
        Some("continue") => {
            only_fields(&fields, &["status", "granted_for", "grant_mode"])?;
            Ok(Answer::Continue(grant(&fields, rules.scope)?))
        }
        Some("review") => {
            only_fields(&fields, &["status", "granted_for", "grant_mode", "steps"])?;
            Ok(Answer::Review(grant(&fields, rules.scope)?, steps(&fields, rules.custom_steps)?))
        }
        _ => Err(failure(FailureReason::InvalidStatus, "status is not continue, review or block")),
    }
}

fn open_envelope(reply: &Reply) -> Result<Map<String, Value>, HookFailure> {
    if reply.status != 200 {
        return Err(failure(FailureReason::InvalidStatusCode, "the status is not 200"));
    }
    let refused = |detail| failure(FailureReason::ResponseDecodeFailed, detail);
    if reply.is_too_long() {
        return Err(refused("the body is over 64 KB"));
    }
    let media_type = reply.header("content-type").and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|name| name.eq_ignore_ascii_case("application/json")) {
        return Err(refused("the body is not declared to be JSON"));
    }
    strict_json::parse_object(&reply.body).ok_or_else(|| refused("the body is not a JSON object"))
}

fn only_fields(fields: &Map<String, Value>, known: &[&str]) -> Result<(), HookFailure> {
    if fields.keys().all(|name| known.contains(&name.as_str())) {
        return Ok(());
    }
    Err(failure(FailureReason::InvalidResponse, "a field that has no place in this answer"))
}

fn grant(fields: &Map<String, Value>, scope: &str) -> Result<Grant, HookFailure> {
    let refused = |detail| failure(FailureReason::InvalidGrantedFor, detail);
    let granted_for_seconds = seconds(fields.get("granted_for"))
        .ok_or_else(|| refused("granted_for is not whole seconds from 0 to 86400"))?;
    if granted_for_seconds == 0 {
        return Err(refused("granted_for is 0, and a mode may need a duration"));
    }
    let refused = |detail| failure(FailureReason::InvalidGrantMode, detail);
    let mode = fields
        .get("grant_mode")
        .and_then(Value::as_str)
        .and_then(Mode::from_wire)
        .ok_or_else(|| refused("grant_mode is not single-use, session-bound or profile-bound"))?;
    if mode == Mode::SingleUse && SCOPES_BEYOND_SINGLE_USE.contains(&scope) {
        return Err(refused("this reserved scope needs session-bound or profile-bound"));
    }
    Ok(Grant { mode, granted_for_seconds })
}

/// Reads the member `steps`: at least one, each a managed or a registered custom one.
///
/// - returns: the steps in walking order.
///
/// # Errors
/// [`FailureReason::MissingSteps`], [`FailureReason::InvalidStep`].
///
/// # Reference
/// docs/CONTRACT.md C4.4, C4.5
pub(super) fn steps(
    fields: &Map<String, Value>,
    custom_steps: &[String],
) -> Result<Vec<AskedStep>, HookFailure> {
    let missing = |detail| failure(FailureReason::MissingSteps, detail);
    let listed = fields
        .get("steps")
        .and_then(Value::as_array)
        .filter(|listed| !listed.is_empty())
        .ok_or_else(|| missing("a review without a list of steps"))?;
    let mut steps = Vec::with_capacity(listed.len());
    for listed_step in listed {
        steps.push(step(listed_step, custom_steps)?);
    }
    steps.sort_by_key(|step| step.order);
    let in_order = steps.iter().zip(1_u32..).all(|(step, place)| step.order == place);
    if !in_order {
        return Err(invalid_step("the orders are not 1, 2, 3 and so on, each once"));
    }
    let mut keys: Vec<&str> = steps.iter().map(|step| step.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() != steps.len() {
        return Err(invalid_step("a step appears twice"));
    }
    Ok(steps)
}

fn step(value: &Value, custom_steps: &[String]) -> Result<AskedStep, HookFailure> {
    let fields = value.as_object().ok_or_else(|| invalid_step("a step is not an object"))?;
    if !fields.keys().all(|name| ["order", "key", "expiration_duration"].contains(&name.as_str())) {
        return Err(invalid_step("a step has a field that has no place in it"));
    }
    let order = fields
        .get("order")
        .and_then(Value::as_u64)
        .and_then(|order| u32::try_from(order).ok())
        .ok_or_else(|| invalid_step("a step's order is not a whole number from 1"))?;
    let key = fields.get("key").and_then(Value::as_str).ok_or_else(|| invalid_step("a step has no key"))?;
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if key.is_empty() || !key.bytes().all(alphabet) {
        return Err(invalid_step("a step's key has a character outside its alphabet"));
    }
    if key == COMPLETED {
        return Err(invalid_step("a step cannot be called completed"));
    }
    if !MANAGED_STEP_KEYS.contains(&key) && !custom_steps.iter().any(|known| known == key) {
        return Err(invalid_step("a step is neither a managed nor a registered one"));
    }
    let expires_in_seconds = seconds(fields.get("expiration_duration"))
        .ok_or_else(|| invalid_step("expiration_duration is not whole seconds from 0 to 86400"))?;
    Ok(AskedStep { order, key: key.to_owned(), expires_in_seconds })
}

/// Whole seconds from 0 to a day; `300.0` and `3e2` are not written as whole numbers.
fn seconds(value: Option<&Value>) -> Option<u32> {
    let seconds = value?.as_u64().filter(|seconds| *seconds <= SECONDS_MAX)?;
    u32::try_from(seconds).ok()
}

const fn failure(reason: FailureReason, detail: &'static str) -> HookFailure {
    HookFailure { reason, detail }
}

const fn invalid_step(detail: &'static str) -> HookFailure {
    failure(FailureReason::InvalidStep, detail)
}

#[cfg(test)]
mod tests;
