//! The past of a request as people write it, for tests and for asking why: calls, rejections and facts before it.
//!
//! It goes through the bundle's own schema and through [`History::of`], as recorded calls do.

use std::time::Duration;

use super::bundle::Bundle;
use super::diagnostic::{Code, Diagnostics};
use super::literal;
use super::outcome::Outcome;
use super::outcome::keys::VERDICTS;
use super::reader::{Map, Reader, Truth};
use super::request::{address, identifiers, metadata};
use super::source::SourceFile;
use super::suggest::did_you_mean;
use super::yaml::{self, Entry, Node};
use crate::domain::{
    Asker, FactKind, Facts, HISTORY_KEPT, History, MANAGED_STEPS, Metadata, PastCall, PastEvent, PastFact,
    PastRejection, Scope, Seconds, StepKey, Subject, SubjectKey, Timestamp, UserId, VerdictKind,
};
use keys::{CALL, FACT, REJECTION};

pub(crate) mod keys;

/// The longest time that a grant can be used: as long as its steps and its grant may take.
const USABLE_SECONDS_MAX: u32 = 11 * Seconds::MAX;

/// Reads a past that stands alone, in YAML or JSON. `name` is what messages call the text.
///
/// - `facts`: the request that it is the past of: what an event leaves out is as there.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read_given(
    name: &str,
    text: &str,
    bundle: &Bundle,
    facts: &Facts,
) -> Result<History, Diagnostics> {
    let file = SourceFile::new(name.to_owned(), text.to_owned());
    let root = yaml::parse(&file).map_err(Diagnostics::new)?;
    let mut reader = Reader::new(&file);
    let events = given(&mut reader, &root, bundle, facts);
    let events = events.ok_or_else(|| Diagnostics::new(reader.into_findings()))?;
    Ok(history(bundle, facts, &events))
}

/// What the bundle must know of these events to decide about the request.
pub(crate) fn history(bundle: &Bundle, facts: &Facts, events: &[PastEvent]) -> History {
    let subjects = bundle.traits(facts).keyed(plain_key);
    let asker =
        Asker { user_id: facts.user_id.clone(), subjects, scope: facts.scope.clone(), at: facts.received_at };
    History::of(bundle.needs(&facts.scope), &asker, |_| (std::iter::empty(), events.iter()))
}

/// Here nothing has to be hidden.
fn plain_key(_: &Subject, text: &str) -> SubjectKey {
    SubjectKey::new(text.as_bytes())
}

/// Reads a list of events; `None` when one of them has a fault, which the reader then has noted.
pub(super) fn given(
    reader: &mut Reader<'_>,
    node: &Node,
    bundle: &Bundle,
    facts: &Facts,
) -> Option<Vec<PastEvent>> {
    let items = reader.list(node, "`given`")?;
    let mut events = Vec::with_capacity(items.len());
    for item in items {
        let mut event = Event { reader, bundle, facts };
        events.extend(event.read(item));
    }
    (events.len() == items.len()).then_some(events)
}

/// An event being read.
struct Event<'e, 'f> {
    reader: &'e mut Reader<'f>,
    bundle: &'e Bundle,
    facts: &'e Facts,
}

impl Event<'_, '_> {
    fn read(&mut self, node: &Node) -> Option<PastEvent> {
        let before = self.reader.count();
        let map = self.reader.map(node, "an event")?;
        let known = match (map.get("rejected"), map.get("fact")) {
            (Some(_), _) => &REJECTION,
            (None, Some(_)) => &FACT,
            (None, None) => &CALL,
        };
        self.reader.closed_map(node, "an event", known);
        let at = self.ago(&map, "ago");
        if at.is_none() && map.get("ago").is_none() {
            self.reader.required(&map, "ago", "an event");
        }
        let event = match (map.entry("rejected"), map.entry("fact")) {
            (Some(entry), _) => self.rejection(&map, entry, at),
            (None, Some(entry)) => self.fact(&map, entry, at),
            (None, None) => self.call(&map, at),
        };
        event.filter(|_| self.reader.count() == before)
    }

    /// The moment so long before the request.
    fn ago(&mut self, map: &Map<'_>, key: &str) -> Option<Timestamp> {
        let kept = u32::try_from(HISTORY_KEPT.as_secs()).unwrap_or(u32::MAX);
        let span = literal::span(self.reader, map.get(key)?, &format!("`{key}`"), (1, 2 * kept))?;
        Some(self.facts.received_at.minus(Duration::from_secs(span.into())))
    }

    fn scope(&mut self, map: &Map<'_>) -> Option<Scope> {
        let Some(node) = map.get("scope") else { return Some(self.facts.scope.clone()) };
        let scope = literal::name(self.reader, node, "a scope", Scope::new)?;
        let known = self.bundle.scopes();
        if !known.contains(&&scope) {
            let names: Vec<_> = known.iter().map(|scope| scope.as_str()).collect();
            let message = format!("no file covers the scope `{scope}`");
            self.reader.fault(Code::UnknownScope, node.span, message, did_you_mean(scope.as_str(), &names));
        }
        Some(scope)
    }

    fn user(&mut self, map: &Map<'_>) -> Option<UserId> {
        match map.get("user_id") {
            Some(node) => literal::name(self.reader, node, "`user_id`", UserId::new),
            None => Some(self.facts.user_id.clone()),
        }
    }

    fn rejection(&mut self, map: &Map<'_>, entry: &Entry, at: Option<Timestamp>) -> Option<PastEvent> {
        let text = self.reader.text(&entry.value, "`rejected`")?;
        let custom = self.bundle.custom_steps();
        let known: Vec<_> =
            custom.iter().map(|key| key.as_str()).chain(MANAGED_STEPS.iter().copied()).collect();
        if !known.contains(&text) {
            let message = format!("there is no step `{text}`");
            self.reader.fault(Code::UnknownStep, entry.value.span, message, did_you_mean(text, &known));
            return None;
        }
        let (scope, user) = (self.scope(map), self.user(map));
        let user = plain_key(&Subject::User, user?.as_str());
        let step = StepKey::new(text).ok()?;
        Some(PastEvent::Rejection(PastRejection { at: at?, user, scope: scope?, step }))
    }

    fn fact(&mut self, map: &Map<'_>, entry: &Entry, at: Option<Timestamp>) -> Option<PastEvent> {
        let kind = literal::name(self.reader, &entry.value, "the kind of a fact", FactKind::new);
        let user = plain_key(&Subject::User, self.user(map)?.as_str());
        Some(PastEvent::Fact(PastFact { at: at?, user, kind: kind? }))
    }

    fn call(&mut self, map: &Map<'_>, at: Option<Timestamp>) -> Option<PastEvent> {
        let (scope, user_id) = (self.scope(map), self.user(map));
        let verdict = self.reader.required(map, "verdict", "an event");
        let verdict = verdict.and_then(|node| self.reader.word(node, "`verdict`", &VERDICTS));
        let verdict = verdict.and_then(VerdictKind::parse);
        let (at, scope, verdict) = (at?, scope?, verdict?);
        let mut facts = Facts { scope, user_id: user_id?, received_at: at, ..self.facts.clone() };
        if let Some(node) = map.get("ip") {
            facts.signals.ip = address(self.reader, node).to_canonical();
        }
        if let Some(node) = map.get("identifiers") {
            facts.identifiers = identifiers(self.reader, node);
        }
        match map.get("metadata") {
            Some(node) => facts.metadata = metadata(self.reader, node),
            // What one scope takes says nothing about another one.
            None if facts.scope != self.facts.scope => facts.metadata = Metadata::default(),
            None => {}
        }
        self.fits(map, &facts, verdict);
        let executed_at = self.executed(map, at, verdict);
        let usable_until = self.usable_for(map, &facts.scope, verdict).map(|span| at.plus(span));
        let traits = self.bundle.traits(&facts);
        let subjects = traits.keyed(plain_key);
        let (scope, money) = (facts.scope, traits.money);
        Some(PastEvent::Call(PastCall { at, scope, verdict, subjects, money, usable_until, executed_at }))
    }

    /// A call whose metadata does not fit its scope is blocked: with another verdict it never happened.
    fn fits(&mut self, map: &Map<'_>, facts: &Facts, verdict: VerdictKind) {
        let Some(policy) = self.bundle.policy(&facts.scope).filter(|_| verdict != VerdictKind::Block) else {
            return;
        };
        if let Err(refusal) = policy.schema.check(&facts.metadata) {
            let span = map.entry("metadata").map_or(map.span, |entry| entry.value.span);
            let message = format!("such a call is blocked, never answered `{}`: {refusal}", verdict.as_str());
            let help = "write metadata that fits the scope, or `verdict: block`";
            self.reader.fault(Code::Contradiction, span, message, help);
        }
    }

    /// When it was executed: at once, or at its own moment.
    fn executed(&mut self, map: &Map<'_>, at: Timestamp, verdict: VerdictKind) -> Option<Timestamp> {
        let truth = map.get("executed").and_then(|node| self.reader.truth(node, "`executed`"));
        let moment =
            self.ago(map, "executed_ago").or_else(|| truth.filter(|truth| truth.is_yes()).map(|_| at))?;
        let entry = map.entry("executed_ago").or_else(|| map.entry("executed"))?;
        let (message, help) = if verdict == VerdictKind::Block {
            ("what was blocked is never executed", "remove it, or write another verdict")
        } else if moment < at || truth == Some(Truth::No) {
            ("executed and not executed, or before it was asked", "write `executed: true`, or a later moment")
        } else {
            return Some(moment);
        };
        self.reader.fault(Code::Contradiction, entry.key_span, message, help);
        None
    }

    /// How long it could be executed: as said, or the longest that the scope's rules give with such a verdict.
    fn usable_for(&mut self, map: &Map<'_>, scope: &Scope, verdict: VerdictKind) -> Option<Duration> {
        let said = map
            .get("usable_for")
            .and_then(|node| literal::span(self.reader, node, "`usable_for`", (1, USABLE_SECONDS_MAX)));
        if verdict == VerdictKind::Block {
            return None;
        }
        let policy = self.bundle.policy(scope);
        let outcomes = policy
            .iter()
            .flat_map(|policy| policy.rules.iter().map(|rule| &rule.then).chain([&policy.otherwise]));
        let longest = outcomes.map(|outcome| longest(outcome, verdict)).max().unwrap_or_default();
        Some(said.map_or(longest, |seconds| Duration::from_secs(seconds.into())))
    }
}

/// How long a verdict of this kind can be used, its steps included.
fn longest(outcome: &Outcome, verdict: VerdictKind) -> Duration {
    match (outcome, verdict) {
        (Outcome::Continue(grant), VerdictKind::Continue) => grant.granted_for.duration(),
        (Outcome::Review(review), _) => {
            let walking: Duration = review
                .plan
                .iter()
                .map(|place| place.options.iter().map(|option| option.step.expires_in.duration()).max())
                .map(Option::unwrap_or_default)
                .sum();
            let own = walking + review.grant.granted_for.duration();
            let own = if verdict == VerdictKind::Review { own } else { Duration::ZERO };
            own.max(longest(&review.otherwise, verdict))
        }
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
