//! Reading `then`, `else` and `otherwise`.

use super::keys::{CONTINUE, GRANT, OUTCOME, PLACE, REVIEW};
use super::{Outcome, PlanStep, Review, STEPS_MAX, StepOption};
use crate::domain::{Grant, GrantMode, Seconds, Step, StepKey};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader};
use crate::policy::steps::read::ReadSteps;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Kind, Node};

/// A grant as it stands in a file, for the laws that speak about its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrantPlace {
    /// How far it reaches.
    pub(crate) mode: GrantMode,
    /// Where the mode stands.
    pub(crate) span: Span,
}

/// Reads outcomes of one file and remembers their grants and the warnings that they deserve.
#[derive(Debug)]
pub(crate) struct OutcomeReader<'o, 'f> {
    /// Where faults go.
    pub(crate) reader: &'o mut Reader<'f>,
    /// The steps that there are.
    pub(crate) steps: &'o ReadSteps,
    /// The grants so far, in file order.
    pub(crate) grants: &'o mut Vec<GrantPlace>,
}

impl OutcomeReader<'_, '_> {
    /// Reads an outcome: `block`, or a map with `continue` or `review`.
    pub(crate) fn outcome(&mut self, node: &Node, what: &str) -> Option<Outcome> {
        if let Kind::Text(text) = &node.kind {
            if text.is_nothing() {
                let help = "write `block`, or a map with `continue` or `review`";
                self.reader.fault(Code::Empty, node.span, format!("{what} decides nothing"), help);
                return None;
            }
            return self.word(node, what);
        }
        let map = self.reader.closed_map(node, what, &OUTCOME)?;
        if let [_, second, ..] = map.entries {
            let message = format!("{what} decides more than one thing");
            self.reader.fault(Code::WrongShape, second.key_span, message, "keep one of the two");
            return None;
        }
        if let Some(node) = map.get("continue") {
            let map = self.reader.closed_map(node, "`continue`", &CONTINUE)?;
            return self.grant(&map, "`continue`").map(Outcome::Continue);
        }
        map.get("review").and_then(|node| self.review(node))
    }

    fn word(&mut self, node: &Node, what: &str) -> Option<Outcome> {
        let text = self.reader.text(node, what)?;
        let help = match text {
            "block" => return Some(Outcome::Block),
            "continue" => "write `continue: { grant: { mode: single-use, for: 5m } }`".to_owned(),
            "review" => "write `review: { grant: { mode: single-use, for: 5m }, steps: [ … ], else: block }`"
                .to_owned(),
            other => did_you_mean(other, &["block", "continue", "review"]),
        };
        self.reader.fault(Code::UnknownValue, node.span, format!("{what} cannot be just `{text}`"), help);
        None
    }

    fn grant(&mut self, map: &Map<'_>, what: &str) -> Option<Grant> {
        let node = self.reader.required(map, "grant", what)?;
        let map = self.reader.closed_map(node, "`grant`", &GRANT)?;
        let words = GrantMode::ALL.map(GrantMode::as_str);
        let mode = self.reader.required(&map, "mode", "`grant`");
        let mode = mode.and_then(|node| Some((node.span, self.reader.word(node, "`mode`", &words)?)));
        let mode = mode.and_then(|(span, word)| {
            let mode = GrantMode::ALL.into_iter().find(|mode| mode.as_str() == word)?;
            self.grants.push(GrantPlace { mode, span });
            Some(mode)
        });
        let granted_for = self
            .reader
            .required(&map, "for", "`grant`")
            .and_then(|node| literal::seconds(self.reader, node, "`for`", Seconds::MAX));
        Some(Grant { mode: mode?, granted_for: granted_for? })
    }

    fn review(&mut self, node: &Node) -> Option<Outcome> {
        let map = self.reader.closed_map(node, "`review`", &REVIEW)?;
        let grant = self.grant(&map, "`review`");
        let plan = self.reader.required(&map, "steps", "`review`").and_then(|node| self.plan(node));
        let otherwise = match map.entry("else") {
            None => Some(Outcome::Block),
            Some(entry) => self.outcome(&entry.value, "`else`").inspect(|outcome| {
                if matches!(outcome, Outcome::Continue(_)) {
                    let message = "whoever cannot walk the steps continues without any";
                    let help = "ask for other steps in `else`, or write `else: block`";
                    self.reader.warning(Code::ElseContinues, entry.key_span, message, help);
                }
            }),
        };
        let review = Review { grant: grant?, plan: plan?, otherwise: otherwise? };
        let is_known = self.steps.broken.is_empty() && !self.steps.is_unknown;
        if is_known && review.platforms().is_empty() {
            let message = "no platform has all of these steps: nobody could ever walk the plan";
            let help =
                "compare the steps' `platforms` in steps.yaml; a custom step is WEB only unless it says more";
            let span = map.entry("steps").map_or(map.span, |entry| entry.key_span);
            self.reader.fault(Code::NotWalkable, span, message, help);
        }
        Some(Outcome::Review(Box::new(review)))
    }

    fn plan(&mut self, node: &Node) -> Option<Vec<PlanStep>> {
        let items = self.reader.some_list(node, "`steps`")?;
        if items.len() > STEPS_MAX {
            let message = format!("more than {STEPS_MAX} steps in one plan");
            self.reader.fault(Code::Limit, node.span, message, "nobody walks that far: ask for less");
            return None;
        }
        let mut named = Vec::new();
        let places: Vec<_> = items.iter().map(|item| self.place(item, &mut named)).collect();
        self.refuse_repeated_steps(&named);
        places.into_iter().collect()
    }

    /// One key may stand in one place of a plan only, or two places could pick it.
    fn refuse_repeated_steps(&mut self, named: &[(Span, String)]) {
        for (at, (span, key)) in named.iter().enumerate() {
            if named.iter().take(at).any(|(_, earlier)| earlier == key) {
                let message = format!("`{key}` could come twice in one plan");
                let help = "name a step once: in one place, and once in its `first_of`";
                self.reader.fault(Code::StepRepeated, *span, message, help);
            }
        }
    }

    /// Reads a place of a plan: `KEY`, `{ step: KEY, expires_in: … }` or `{ first_of: [KEY, …], expires_in: … }`.
    fn place(&mut self, node: &Node, named: &mut Vec<(Span, String)>) -> Option<PlanStep> {
        if let Kind::Text(_) = node.kind {
            let option = self.option(node, None, named)?;
            return Some(PlanStep { options: vec![option] });
        }
        let map = self.reader.closed_map(node, "a step", &PLACE)?;
        let time = match map.get("expires_in") {
            Some(node) => Some(literal::seconds(self.reader, node, "`expires_in`", Seconds::MAX)?),
            None => None,
        };
        let nodes = match (map.get("step"), map.get("first_of")) {
            (Some(step), None) => std::slice::from_ref(step),
            (None, Some(list)) => self.reader.some_list(list, "`first_of`")?,
            _ => {
                let message = "a step is named with `step` or `first_of`";
                let help =
                    "write `{ step: KEY, expires_in: 10m }` or `{ first_of: [KEY, KEY], expires_in: 10m }`";
                self.reader.fault(Code::MissingKey, map.span, message, help);
                return None;
            }
        };
        let options: Vec<_> = nodes.iter().map(|node| self.option(node, time, named)).collect();
        let options: Option<Vec<_>> = options.into_iter().collect();
        options.map(|options| PlanStep { options })
    }

    fn option(
        &mut self,
        node: &Node,
        time: Option<Seconds>,
        named: &mut Vec<(Span, String)>,
    ) -> Option<StepOption> {
        let text = self.reader.text(node, "a step")?;
        named.push((node.span, text.to_owned()));
        let book = &self.steps.book;
        let needs = match book.needs(text) {
            Some(needs) => needs,
            None if self.steps.is_unknown || self.steps.broken.contains(text) => return None,
            None => {
                let message = format!("there is no step `{text}`");
                let known = did_you_mean(text, &book.keys());
                let help = format!("{known} A step of your own is defined under `custom` in steps.yaml");
                self.reader.fault(Code::UnknownStep, node.span, message, help);
                return None;
            }
        };
        if needs.platforms.is_empty() && !self.steps.broken.contains(text) {
            let message = format!("`{text}` cannot be walked anywhere");
            let help = format!(
                "say where users have it, in steps.yaml: `managed: {{ {text}: {{ platforms: [ … ] }} }}`"
            );
            self.reader.fault(Code::NotWalkable, node.span, message, help);
            return None;
        }
        let Some(expires_in) = time.or_else(|| book.usual_time(text)) else {
            let message = format!("nothing says how long the user has for `{text}`");
            let help = format!("write `{{ step: {text}, expires_in: 10m }}`");
            self.reader.fault(Code::MissingKey, node.span, message, help);
            return None;
        };
        let key = StepKey::new(text).ok()?;
        Some(StepOption { step: Step { key, expires_in }, needs })
    }
}
