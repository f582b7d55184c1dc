//! The allowed scopes, in either shape: names beside one hook, or entries that each say who decides.

use serde_json::{Map, Value};

use super::super::super::answer::{self, AskedStep};
use super::super::super::site::Fault;
use super::super::address::AddressRule;
use super::{list, only, text};

/// The longest grant, in seconds (docs/CONTRACT.md C4.2).
const GRANTED_SECONDS_MAX: u64 = 86_400;

/// The reserved scopes that Prelude walks by itself (docs/CONTRACT.md C1).
const MANAGED_SCOPES: [&str; 2] = ["prld:phone:register", "prld:email:register"];

/// A scope that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) struct Allowed {
    pub(in crate::emulator) scope: String,
    pub(in crate::emulator) decision: Decision,
}

/// Who decides about a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emulator) enum Decision {
    /// The customer's hook.
    Delegated {
        /// Its address.
        hook_url: String,
    },
    /// The configuration itself.
    Direct {
        /// The user must have an identifier of one of these types.
        identifier_types: Vec<String>,
        /// How long the scope is granted: 1 to 86 400 seconds.
        granted_for_seconds: u32,
        /// The steps, in walking order; none grants at once.
        steps: Vec<AskedStep>,
    },
    /// Prelude.
    Managed,
}

/// Reads names, for all of which one hook decides.
///
/// # Errors
/// `bad_request`.
pub(super) fn older_shape(listed: &[Value], hook_url: &str) -> Result<Vec<Allowed>, Fault> {
    let mut allowed: Vec<Allowed> = Vec::with_capacity(listed.len());
    for entry in listed {
        let scope = entry
            .as_str()
            .ok_or_else(|| Fault::bad_request("with signal_hook_url, allowed_scopes is a list of names"))?;
        check_delegable(scope)?;
        if allowed.iter().any(|known| known.scope == scope) {
            return Err(Fault::bad_request("a scope stands twice"));
        }
        let decision = Decision::Delegated { hook_url: hook_url.to_owned() };
        allowed.push(Allowed { scope: scope.to_owned(), decision });
    }
    Ok(allowed)
}

/// Reads entries.
///
/// # Errors
/// `bad_request`.
pub(super) fn newer_shape(
    listed: &[Value],
    custom_steps: &[String],
    addresses: AddressRule,
) -> Result<Vec<Allowed>, Fault> {
    let mut allowed: Vec<Allowed> = Vec::with_capacity(listed.len());
    for entry in listed {
        let entry = entry.as_object().ok_or_else(|| {
            Fault::bad_request("without signal_hook_url, allowed_scopes is a list of {scope, mode, …}")
        })?;
        let one = read_entry(entry, custom_steps, addresses)?;
        if allowed.iter().any(|known| is_in_the_way(known, &one)) {
            return Err(Fault::bad_request("two entries decide about the same scope and identifier type"));
        }
        allowed.push(one);
    }
    Ok(allowed)
}

fn read_entry(
    entry: &Map<String, Value>,
    custom_steps: &[String],
    addresses: AddressRule,
) -> Result<Allowed, Fault> {
    let scope = text(entry, "scope")?;
    let part = |name: &str| {
        only(entry, "an allowed scope of this mode", &["scope", "mode", name])?;
        entry
            .get(name)
            .and_then(Value::as_object)
            .ok_or_else(|| Fault::bad_request(format!("{name} is missing or not an object")))
    };
    let decision = match text(entry, "mode")? {
        "delegated" => {
            check_delegable(scope)?;
            let part = part("delegated")?;
            only(part, "delegated", &["delegation_hook"])?;
            let hook_url = text(part, "delegation_hook")?;
            addresses.check("delegation_hook", hook_url)?;
            Decision::Delegated { hook_url: hook_url.to_owned() }
        }
        "direct" if MANAGED_SCOPES.contains(&scope) => {
            return Err(Fault::bad_request("this reserved scope is managed"));
        }
        "direct" => read_direct(part("direct")?, custom_steps)?,
        "managed" if MANAGED_SCOPES.contains(&scope) => {
            only(entry, "a managed scope", &["scope", "mode"])?;
            Decision::Managed
        }
        "managed" => {
            return Err(Fault::bad_request("only prld:phone:register and prld:email:register are managed"));
        }
        _ => return Err(Fault::bad_request("mode is not delegated, direct or managed")),
    };
    Ok(Allowed { scope: scope.to_owned(), decision })
}

fn read_direct(part: &Map<String, Value>, custom_steps: &[String]) -> Result<Decision, Fault> {
    only(part, "direct", &["identifier_types", "granted_for", "steps"])?;
    let mut identifier_types = Vec::new();
    for kind in list(part, "identifier_types")? {
        match kind.as_str() {
            Some(kind @ ("email_address" | "phone_number")) => identifier_types.push(kind.to_owned()),
            _ => return Err(Fault::bad_request("an identifier type is not email_address or phone_number")),
        }
    }
    if identifier_types.is_empty() {
        return Err(Fault::bad_request("identifier_types is empty"));
    }
    let granted_for = part.get("granted_for").and_then(Value::as_u64);
    let granted_for = granted_for.filter(|seconds| (1..=GRANTED_SECONDS_MAX).contains(seconds));
    let granted_for_seconds = granted_for
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| Fault::bad_request("granted_for is not whole seconds from 1 to 86400"))?;
    let steps = match list(part, "steps")? {
        [] => Vec::new(),
        _ => answer::steps(part, custom_steps).map_err(|failure| Fault::bad_request(failure.detail))?,
    };
    Ok(Decision::Direct { identifier_types, granted_for_seconds, steps })
}

fn check_delegable(scope: &str) -> Result<(), Fault> {
    if MANAGED_SCOPES.contains(&scope) {
        return Err(Fault::bad_request("this reserved scope cannot be delegated"));
    }
    Ok(())
}

/// Two direct entries for a scope may differ in the identifier types that they are for, and in nothing else.
fn is_in_the_way(known: &Allowed, new: &Allowed) -> bool {
    known.scope == new.scope
        && match (&known.decision, &new.decision) {
            (
                Decision::Direct { identifier_types: known, .. },
                Decision::Direct { identifier_types: new, .. },
            ) => known.iter().any(|kind| new.contains(kind)),
            _ => true,
        }
}
