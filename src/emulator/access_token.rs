//! Access tokens: RS256, verifiable with the application's key set, carrying the scopes that are granted.

use serde_json::{Value, json};

use super::EmulatorError;
use super::compact;
use super::identity::{Identity, fresh_id};

/// How the scopes stand in an access token; not documented, so a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ScopeClaim {
    /// `scope`, one text with spaces, as RFC 8693 §4.2 has it.
    #[default]
    Text,
    /// `scopes`, a list.
    List,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) user_id: String,
    pub(super) session_id: String,
    /// Granted now, sorted.
    pub(super) scopes: Vec<String>,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
}

/// Who speaks, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Issuing<'a> {
    pub(super) identity: &'a Identity,
    /// The issuer.
    pub(super) session_host: &'a str,
    pub(super) scope_claim: ScopeClaim,
}

/// Signs a token with the application's newest key.
///
/// # Errors
/// [`EmulatorError::Signing`], [`EmulatorError::KeyGeneration`].
pub(super) fn sign(statement: &Statement, by: Issuing<'_>) -> Result<String, EmulatorError> {
    let key = by.identity.signing_key();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.kid() });
    let (name, scopes) = match by.scope_claim {
        ScopeClaim::Text => ("scope", json!(statement.scopes.join(" "))),
        ScopeClaim::List => ("scopes", json!(statement.scopes)),
    };
    let claims = json!({
        "iss": by.session_host, "sub": statement.user_id, "sid": statement.session_id,
        "jti": fresh_id("")?, "iat": statement.issued_at, "nbf": statement.issued_at, "exp": statement.expires_at,
        name: scopes,
    });
    let input = compact::signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
    let signature = key.sign_pkcs1(input.as_bytes())?;
    Ok(compact::with_signature(&input, &signature))
}

/// Takes back a token of ours that is in its time.
///
/// - returns: user and session; `None` for any other token.
pub(super) fn take_back(token: &str, identity: &Identity, now: i64) -> Option<(String, String)> {
    let parts = compact::take_apart(token)?;
    if parts.header_text("alg") != Some("RS256") {
        return None;
    }
    let is_genuine = identity.verifies_pkcs1(parts.header_text("kid")?, parts.signed, &parts.signature);
    let claims = &parts.claims;
    let moment = |name: &str| claims.get(name).and_then(Value::as_i64);
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_in_time = moment("nbf")? <= now && now < moment("exp")?;
    if is_genuine && is_in_time { Some((text("sub")?, text("sid")?)) } else { None }
}
