//! Why a bundle whose files are right cannot come into force here all the same.

use std::fmt;

use crate::policy::{Bundle, Code, DeskMisfits, Diagnostics};
use crate::store::is_recorded;

/// What stands in a bundle's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The fraud desk says something for which it has no place.
    Desk(DeskMisfits),
    /// It asks about a past that cannot be found: the scopes with their questions, one a line.
    UnrecordedPast(String),
}

impl Obstacle {
    /// Its stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk_misfit",
            Self::UnrecordedPast(_) => Code::PastNotRecorded.as_str(),
        }
    }

    /// What is wrong.
    pub(super) const fn message(&self) -> &'static str {
        match self {
            Self::Desk(_) => "the fraud desk has entries for which these files have no place",
            Self::UnrecordedPast(_) => "conditions ask about a past that this version cannot find",
        }
    }

    /// The way out.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Desk(misfits) => misfits.to_string(),
            Self::UnrecordedPast(questions) => {
                format!(
                    "the past is found by its user: write `by: user`, or `by: [user, …]`, in\n{questions}"
                )
            }
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message(), self.help())
    }
}

/// Tells whether a bundle asks for what nobody records: its rules would be decided without an answer.
pub(crate) fn unrecorded_past(bundle: &Bundle) -> Option<Obstacle> {
    let mut questions = Vec::new();
    for scope in bundle.scopes() {
        let needs = bundle.needs(scope).as_slice().iter();
        questions.extend(needs.filter(|need| !is_recorded(need)).map(|need| format!("  {scope}: {need}")));
    }
    (!questions.is_empty()).then(|| Obstacle::UnrecordedPast(questions.join("\n")))
}

/// The warnings of a bundle, with one more where it could not come into force here although its files are right.
///
/// What the fraud desk says is in the store, and left aside.
pub(crate) fn warnings(bundle: &Bundle) -> Diagnostics {
    match unrecorded_past(bundle) {
        Some(obstacle) => {
            let message = format!("these files cannot come into force: {}", obstacle.message());
            bundle.warnings().with_warning(Code::PastNotRecorded, message, obstacle.help())
        }
        None => bundle.warnings().clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::policy::load_files;

    fn obstacle(condition: &str, executions: &str) -> Option<String> {
        let scope = format!(
            "scopes: [a:b]\nrules: [{{ id: r, when: {{ history: {condition} }}, then: block }}]\notherwise: block\n"
        );
        let grants = format!("executions: {executions}\n");
        let files = [("a.yaml", scope), ("grants.yaml", grants)];
        let bundle = load_files(files, Timestamp::from_unix_seconds(1_790_000_000)).expect("a bundle");
        unrecorded_past(&bundle).map(|obstacle| obstacle.to_string())
    }

    #[test]
    fn only_questions_that_name_the_user_are_answered() {
        let cases = [
            ("{ count: calls, by: user, counts: asked, over: 1h, gt: 3 }", "unreported", true),
            ("{ count: calls, by: user, counts: usable, over: 1h, gt: 3 }", "unreported", true),
            ("{ count: calls, by: user, counts: usable, over: 1h, gt: 3 }", "reported", true),
            ("{ count: calls, by: user, counts: executed, over: 1h, gt: 3 }", "reported", true),
            ("{ count: calls, by: user, counts: usable, since: executed_review, gt: 3 }", "reported", true),
            ("{ last: { before: 30d }, by: user, counts: executed }", "reported", true),
            ("{ count: calls, by: [user, ip], counts: asked, over: 1h, gt: 3 }", "unreported", true),
            ("{ count: calls, by: ip, counts: asked, over: 1h, gt: 3 }", "unreported", false),
            ("{ count: rejected, by: user, over: 1h, gt: 3 }", "unreported", true),
            ("{ count: rejected, since: executed_review, gt: 3 }", "reported", true),
            ("{ count: fact.email_changed, by: user, over: 1h, gt: 0 }", "unreported", true),
            ("{ count: fact.nobody-reports-it, over: 400d, lt: 1 }", "unreported", true),
            ("{ count: calls, by: [identifier, ip], counts: asked, over: 1h, gt: 3 }", "unreported", false),
        ];
        for (condition, executions, is_recorded) in cases {
            let obstacle = obstacle(condition, executions);
            assert_eq!(obstacle.is_none(), is_recorded, "{condition}: {obstacle:?}");
            assert!(obstacle.is_none_or(|text| text.contains("  a:b: ")));
        }
    }
}
