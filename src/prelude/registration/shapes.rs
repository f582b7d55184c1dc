//! The allowed scopes, in either shape (docs/CONTRACT.md C8.1).

use serde_json::{Map, Value, json};

use super::{ConfigShape, Plan, PlanObstacle, Sign, Wanted};

const PART: &str = "allowed_scopes";
/// Where the older shape has its one hook.
const ONE_HOOK: &str = "signal_hook_url";

/// An allowed scope, whichever shape said it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Allowed {
    /// The scope.
    pub(super) scope: String,
    /// The hook that decides; `None` where Prelude does by itself, or in a way that we do not know.
    pub(super) hook: Option<String>,
    /// As the newer shape says it, with whatever else stood there.
    entry: Value,
}

impl Allowed {
    fn delegated(scope: &str, hook: &str) -> Self {
        let entry = json!({ "scope": scope, "mode": "delegated", "delegated": { "delegation_hook": hook } });
        Self { scope: scope.to_owned(), hook: Some(hook.to_owned()), entry }
    }

    /// The same, decided by another hook.
    fn moved(mut self, hook: &str) -> Self {
        if let Some(delegated) = self.entry.get_mut("delegated").and_then(Value::as_object_mut) {
            delegated.insert("delegation_hook".to_owned(), json!(hook));
        }
        self.hook = Some(hook.to_owned());
        self
    }
}

/// Reads who decides about what.
///
/// # Errors
/// [`PlanObstacle::Unreadable`].
pub(super) fn read(config: &Map<String, Value>) -> Result<Vec<Allowed>, PlanObstacle> {
    let entries = match config.get(PART) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(PlanObstacle::Unreadable("allowed_scopes is no list")),
    };
    let one_hook = one_hook(config)?;
    let read = |entry: &Value| match entry {
        Value::String(scope) => {
            let hook = one_hook
                .ok_or(PlanObstacle::Unreadable("a scope is a name, and there is no signal_hook_url"))?;
            Ok(Allowed::delegated(scope, hook))
        }
        _ => {
            let scope = entry.get("scope").and_then(Value::as_str);
            let scope = scope.ok_or(PlanObstacle::Unreadable("an allowed scope has no `scope`"))?;
            let is_delegated = entry.get("mode").and_then(Value::as_str) == Some("delegated");
            let hook = entry.pointer("/delegated/delegation_hook").and_then(Value::as_str);
            let hook = hook.filter(|_| is_delegated).map(str::to_owned);
            Ok(Allowed { scope: scope.to_owned(), hook, entry: entry.clone() })
        }
    };
    entries.iter().map(read).collect()
}

fn one_hook(config: &Map<String, Value>) -> Result<Option<&str>, PlanObstacle> {
    match config.get(ONE_HOOK) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(url)) => Ok(Some(url.as_str()).filter(|url| !url.is_empty())),
        Some(_) => Err(PlanObstacle::Unreadable("signal_hook_url is no text")),
    }
}

/// Brings the allowed scopes into agreement, in the shape that is wanted.
///
/// # Errors
/// [`PlanObstacle`].
pub(super) fn plan(
    plan: &mut Plan,
    (before, after): (&Map<String, Value>, &mut Map<String, Value>),
    (current, wanted): (Vec<Allowed>, &Wanted),
) -> Result<(), PlanObstacle> {
    let allowed = agreed(plan, current, wanted);
    match wanted.shape {
        ConfigShape::PerScope => {
            if let Some(hook) = one_hook(before)? {
                plan.line(Sign::Remove, ONE_HOOK, format!("{hook} (each scope names its own)"));
            }
            after.remove(ONE_HOOK);
            after.insert(PART.to_owned(), allowed.into_iter().map(|allowed| allowed.entry).collect());
        }
        ConfigShape::OneHook => plan_one_hook(plan, (before, after), (allowed, wanted))?,
    }
    Ok(())
}

/// Who is to decide about what: ours by the bundle, everybody else's as it is.
fn agreed(plan: &mut Plan, current: Vec<Allowed>, wanted: &Wanted) -> Vec<Allowed> {
    let hook = wanted.hook_url();
    let mut allowed: Vec<Allowed> = Vec::with_capacity(current.len());
    for entry in current {
        let is_ours = entry.hook.as_deref().is_some_and(|hook| wanted.is_ours(hook));
        let is_wanted = wanted.delegated().any(|scope| scope == entry.scope);
        let is_there = allowed
            .iter()
            .any(|other| other.scope == entry.scope && other.hook.as_deref() == Some(hook.as_str()));
        match (is_ours, is_wanted && !is_there) {
            (true, true) if entry.hook.as_deref() == Some(hook.as_str()) => allowed.push(entry),
            (true, true) => {
                let old = entry.hook.clone().unwrap_or_default();
                plan.line(Sign::Change, PART, format!("{}: {old} -> {hook}", entry.scope));
                allowed.push(entry.moved(&hook));
            }
            (true, false) => {
                plan.line(Sign::Remove, PART, format!("{}: the bundle does not cover it", entry.scope));
            }
            (false, true) => {
                plan.notes.push(left(&entry));
                allowed.push(entry);
            }
            (false, false) => allowed.push(entry),
        }
    }
    for scope in wanted.delegated() {
        if !allowed.iter().any(|entry| entry.scope == scope) {
            plan.line(Sign::Add, PART, format!("{scope}: delegated to {hook}"));
            allowed.push(Allowed::delegated(scope, &hook));
        }
    }
    allowed
}

fn left(entry: &Allowed) -> String {
    let who = match &entry.hook {
        Some(hook) => format!("is delegated to {hook}"),
        None => format!("is not delegated (mode {})", entry.entry.get("mode").unwrap_or(&Value::Null)),
    };
    format!("allowed_scopes: {} {who} and stays so; the bundle's rules for it are not asked", entry.scope)
}

/// The older shape: one hook, and names. It can only say what is ours altogether.
fn plan_one_hook(
    plan: &mut Plan,
    (before, after): (&Map<String, Value>, &mut Map<String, Value>),
    (allowed, wanted): (Vec<Allowed>, &Wanted),
) -> Result<(), PlanObstacle> {
    let hook = wanted.hook_url();
    match one_hook(before)? {
        Some(held) if held == hook => {}
        Some(held) if wanted.is_ours(held) => plan.line(Sign::Change, ONE_HOOK, format!("{held} -> {hook}")),
        Some(held) => return Err(PlanObstacle::OtherHook(held.to_owned())),
        None => plan.line(Sign::Add, ONE_HOOK, &hook),
    }
    if let Some(other) = allowed.iter().find(|entry| entry.hook.as_deref() != Some(hook.as_str())) {
        return Err(PlanObstacle::NotSayable(other.scope.clone()));
    }
    after.insert(ONE_HOOK.to_owned(), json!(hook));
    after.insert(PART.to_owned(), allowed.into_iter().map(|entry| Value::String(entry.scope)).collect());
    Ok(())
}
