//! What Prelude must hold of us so that its step-ups come here: compared, and brought into agreement.
//!
//! Everything here is pure. Ours are the delegated scopes whose hook lies under our base address; whatever else stands in
//! Prelude's configuration is somebody else's and comes out as it went in, members that we do not know included.

mod shapes;
mod steps;

use serde_json::{Map, Value, json};

use self::shapes::Allowed;

/// Where hook calls go, under our base address.
pub(crate) const HOOK_PATH: &str = "/hooks/stepup";
/// Where our key set is, under our base address.
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Scopes that Prelude decides by itself: nothing about them is ours to say (docs/CONTRACT.md C1).
const MANAGED_SCOPES: [&str; 2] = ["prld:phone:register", "prld:email:register"];

/// Members of the configuration that Prelude writes and nobody sends.
const WRITTEN_BY_PRELUDE: [&str; 2] = ["created_at", "updated_at"];

/// How a configuration says who decides (docs/CONTRACT.md C8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigShape {
    /// An entry a scope, each with its own hook: the newer one.
    PerScope,
    /// One hook for all scopes, which are names: the older one.
    OneHook,
}

/// What ought to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Our base address, without a `/` at its end.
    pub(crate) base_url: String,
    /// The scopes that the bundle covers.
    pub(crate) scopes: Vec<String>,
    /// The bundle's custom steps: key and description.
    pub(crate) steps: Vec<(String, String)>,
    /// In which shape.
    pub(crate) shape: ConfigShape,
    /// What becomes of step keys that the bundle does not have.
    pub(crate) old_steps: OldSteps,
    /// What becomes of a key set's address that is somebody else's.
    pub(crate) other_key_set: OtherKeySet,
}

/// What becomes of step keys that the bundle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldSteps {
    /// They stay: another bundle may use them, or a challenge that is under way.
    Stay,
    /// They go.
    Go,
}

/// What becomes of a key set's address that is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherKeySet {
    /// It stays, and nothing is planned: our tokens could not be verified.
    Stays,
    /// Ours takes its place.
    Replaced,
}

impl Wanted {
    /// Where hook calls are to go.
    pub(crate) fn hook_url(&self) -> String {
        format!("{}{HOOK_PATH}", self.base_url)
    }

    /// Where our key set is.
    pub(crate) fn jwks_url(&self) -> String {
        format!("{}{JWKS_PATH}", self.base_url)
    }

    fn is_ours(&self, url: &str) -> bool {
        url.strip_prefix(&self.base_url).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The scopes that ought to be delegated to us.
    fn delegated(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str).filter(|scope| !MANAGED_SCOPES.contains(scope))
    }
}

/// What Prelude holds now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Held {
    /// The scopes that exist; `None` where that could not be asked.
    pub(crate) scopes: Option<Vec<String>>,
    /// The step-up configuration, if there is one.
    pub(crate) config: Option<Map<String, Value>>,
}

/// What a line of a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Something comes.
    Add,
    /// Something goes.
    Remove,
    /// Something becomes another.
    Change,
}

impl Sign {
    /// As a plan shows it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Remove => "-",
            Self::Change => "~",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanLine {
    /// What is done.
    pub(crate) sign: Sign,
    /// To which part of the configuration.
    pub(crate) part: &'static str,
    /// What exactly.
    pub(crate) words: String,
}

/// What has to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ConfigChange {
    /// There is no configuration yet.
    Create(Map<String, Value>),
    /// There is one, and this takes its place.
    Replace(Map<String, Value>),
}

/// How what is held becomes what is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plan {
    /// Every difference; none means that there is nothing to do.
    pub(crate) lines: Vec<PlanLine>,
    /// What stays although somebody may expect otherwise.
    pub(crate) notes: Vec<String>,
    /// The scopes to make first.
    pub(crate) new_scopes: Vec<String>,
    /// The configuration to send after them.
    pub(crate) change: Option<ConfigChange>,
}

impl Plan {
    fn line(&mut self, sign: Sign, part: &'static str, words: impl Into<String>) {
        self.lines.push(PlanLine { sign, part, words: words.into() });
    }
}

/// Why there is no plan: it would take something from somebody else, or what is held cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanObstacle {
    /// A part of the configuration is not what it should be.
    #[error("Prelude's configuration cannot be read: {0}")]
    Unreadable(&'static str),
    /// The key set is somebody else's.
    #[error(
        "jwks_url is {0}, which is not under our base address: with ours in its place, tokens of whoever signs with it are refused. \
         --replace-jwks-url does it all the same"
    )]
    OtherKeySet(String),
    /// The older shape has one hook, and it is somebody else's.
    #[error(
        "signal_hook_url is {0}, which is not under our base address, and the older shape has one hook only"
    )]
    OtherHook(String),
    /// The older shape cannot say what is configured.
    #[error(
        "{0} is not delegated to us, which the older shape cannot say: use the newer one (prelude.config_shape)"
    )]
    NotSayable(String),
}

/// Compares what Prelude holds with what it should hold.
///
/// - returns: a plan after which the same comparison finds nothing.
///
/// # Errors
/// [`PlanObstacle`].
///
/// # Reference
/// docs/CONTRACT.md C8
pub(crate) fn plan(held: &Held, wanted: &Wanted) -> Result<Plan, PlanObstacle> {
    let mut plan = Plan::default();
    let before = held.config.clone().unwrap_or_default();
    let current = shapes::read(&before)?;
    plan_scopes(&mut plan, (held, &current), wanted);
    let mut after = before.clone();
    WRITTEN_BY_PRELUDE.iter().for_each(|name| drop(after.remove(*name)));
    plan_key_set(&mut plan, &mut after, wanted)?;
    steps::plan(&mut plan, &mut after, wanted)?;
    shapes::plan(&mut plan, (&before, &mut after), (current, wanted))?;
    if plan.lines.iter().any(|line| line.part != "scopes") {
        let change = if held.config.is_some() { ConfigChange::Replace } else { ConfigChange::Create };
        plan.change = Some(change(after));
    }
    Ok(plan)
}

/// A scope must exist before it is allowed. One that is allowed already exists.
fn plan_scopes(plan: &mut Plan, (held, current): (&Held, &[Allowed]), wanted: &Wanted) {
    for scope in wanted.scopes.iter().filter(|scope| MANAGED_SCOPES.contains(&scope.as_str())) {
        plan.notes.push(format!(
            "{scope}: Prelude decides about it by itself; the bundle's rules for it are not asked"
        ));
    }
    for scope in wanted.delegated() {
        let exists = match &held.scopes {
            Some(scopes) => scopes.iter().any(|other| other == scope),
            None => current.iter().any(|allowed| allowed.scope == scope),
        };
        if !exists {
            plan.new_scopes.push(scope.to_owned());
            plan.line(Sign::Add, "scopes", scope);
        }
    }
}

fn plan_key_set(
    plan: &mut Plan,
    after: &mut Map<String, Value>,
    wanted: &Wanted,
) -> Result<(), PlanObstacle> {
    const PART: &str = "jwks_url";
    let ours = wanted.jwks_url();
    let held = match after.get(PART) {
        None | Some(Value::Null) => "",
        Some(Value::String(url)) => url.as_str(),
        Some(_) => return Err(PlanObstacle::Unreadable("jwks_url is no text")),
    };
    if held == ours {
        return Ok(());
    }
    if held.is_empty() {
        plan.line(Sign::Add, PART, &ours);
    } else if wanted.is_ours(held) || wanted.other_key_set == OtherKeySet::Replaced {
        plan.line(Sign::Change, PART, format!("{held} -> {ours}"));
    } else {
        return Err(PlanObstacle::OtherKeySet(held.to_owned()));
    }
    after.insert(PART.to_owned(), json!(ours));
    Ok(())
}

#[cfg(test)]
mod tests;
