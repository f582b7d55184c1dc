//! Why a bundle whose files are right cannot come into force here all the same.

use std::fmt;

use crate::domain::{Past, RetentionTerms, in_days};
use crate::policy::{Bundle, Code, DeskMisfits, Diagnostics};
use crate::store::is_recorded;

/// What stands in a bundle's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The fraud desk says something for which it has no place.
    Desk(DeskMisfits),
    /// It asks about a past that cannot be found: the scopes with their questions, one a line.
    UnrecordedPast(String),
    /// It looks further back than is kept: who does, and the settings that would let it, one a line.
    ForgottenPast(String),
}

impl Obstacle {
    /// Its stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk_misfit",
            Self::UnrecordedPast(_) | Self::ForgottenPast(_) => self.finding().as_str(),
        }
    }

    /// What a check of the files finds; it never finds what the desk says.
    const fn finding(&self) -> Code {
        match self {
            Self::ForgottenPast(_) => Code::PastNotKept,
            Self::Desk(_) | Self::UnrecordedPast(_) => Code::PastNotRecorded,
        }
    }

    /// What is wrong.
    pub(super) const fn message(&self) -> &'static str {
        match self {
            Self::Desk(_) => "the fraud desk has entries for which these files have no place",
            Self::UnrecordedPast(_) => "conditions ask about a past that this version cannot find",
            Self::ForgottenPast(_) => "these files look further back than the record is kept",
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
            Self::ForgottenPast(questions) => {
                format!("keep it longer, or look back less far:\n{questions}")
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

/// Tells whether a bundle looks further back than anything is kept: it would take for new what is only forgotten.
pub(crate) fn forgotten_past(bundle: &Bundle, terms: &RetentionTerms) -> Option<Obstacle> {
    let mut found = Vec::new();
    for scope in bundle.scopes() {
        for need in bundle.needs(scope).as_slice() {
            let short = need.reaches().into_iter().filter(|(past, span)| !past.kept(terms).lasts(*span));
            found.extend(short.map(|(past, span)| (format!("{scope}: {need}"), past, span)));
        }
    }
    for key in bundle.custom_steps() {
        let valid_for = bundle.step(key).and_then(|step| step.approval_valid_for);
        let short = valid_for.filter(|span| !Past::Verifications.kept(terms).lasts(*span));
        found.extend(short.map(|span| (format!("{key}: approval_valid_for"), Past::Verifications, span)));
    }
    let line = |(who, past, span): (String, Past, _)| {
        format!("  {who} needs {} of at least {}", past.settings(), in_days(span))
    };
    let lines: Vec<_> = found.into_iter().map(line).collect();
    (!lines.is_empty()).then(|| Obstacle::ForgottenPast(lines.join("\n")))
}

/// What stands in a bundle's way that can be told without a store.
pub(crate) fn past_obstacle(bundle: &Bundle, terms: &RetentionTerms) -> Option<Obstacle> {
    unrecorded_past(bundle).or_else(|| forgotten_past(bundle, terms))
}

/// The warnings of a bundle, with one more where it could not come into force here although its files are right.
///
/// What the fraud desk says is in the store, and left aside.
///
/// - `terms`: how long the record is kept, where that is known.
pub(crate) fn warnings(bundle: &Bundle, terms: Option<&RetentionTerms>) -> Diagnostics {
    match unrecorded_past(bundle).or_else(|| forgotten_past(bundle, terms?)) {
        Some(obstacle) => {
            let message = format!("these files cannot come into force: {}", obstacle.message());
            bundle.warnings().with_warning(obstacle.finding(), message, obstacle.help())
        }
        None => bundle.warnings().clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Kept, Timestamp};
    use crate::policy::load_files;

    fn obstacle(condition: &str, executions: &str) -> Option<String> {
        unrecorded_past(&bundle(condition, executions, "")).map(|obstacle| obstacle.to_string())
    }

    fn bundle(condition: &str, executions: &str, steps: &str) -> Bundle {
        let scope = format!(
            "scopes: [a:b]\nrules: [{{ id: r, when: {{ history: {condition} }}, then: block }}]\notherwise: block\n"
        );
        let grants = format!("executions: {executions}\n");
        let steps = (!steps.is_empty()).then(|| ("steps.yaml", steps.to_owned()));
        let files = [("a.yaml", scope), ("grants.yaml", grants)].into_iter().chain(steps);
        load_files(files, Timestamp::from_unix_seconds(1_790_000_000)).expect("a bundle")
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

    #[test]
    fn nothing_looks_further_back_than_is_kept() {
        let days = |days: u64| Kept::For(Duration::from_secs(days * 86_400));
        let terms = RetentionTerms {
            decisions: days(100),
            personal_values: days(10),
            erased_users: days(90),
            redemptions: days(100),
            verifications: days(50),
            facts: days(20),
            accesses: Kept::Forever,
            desk_actions: Kept::Forever,
            activations: Kept::Forever,
            signatures: Kept::Forever,
        };
        // A grant can be executed eleven days after its call.
        let cases = [
            ("{ count: calls, by: user, counts: asked, over: 90d, gt: 3 }", None),
            (
                "{ count: calls, by: user, counts: asked, over: 91d, gt: 3 }",
                Some("erased_users of at least 91d"),
            ),
            ("{ count: calls, by: user, counts: usable, over: 79d, gt: 3 }", None),
            ("{ count: calls, by: user, counts: executed, over: 80d, gt: 3 }", Some("of at least 91d")),
            ("{ last: { before: 30d }, by: user, counts: executed }", Some("of at least 411d")),
            ("{ count: rejected, by: user, over: 50d, gt: 3 }", None),
            (
                "{ count: rejected, by: user, over: 51d, gt: 3 }",
                Some("retention.verifications of at least 51d"),
            ),
            ("{ count: fact.email_changed, by: user, over: 20d, gt: 0 }", None),
            ("{ count: fact.email_changed, by: user, over: 480h, gt: 0 }", None),
            (
                "{ count: fact.email_changed, by: user, over: 481h, gt: 0 }",
                Some("retention.facts of at least 21d"),
            ),
            ("{ count: calls, by: user, counts: asked, per: month, zone: Europe/Berlin, gt: 3 }", None),
        ];
        for (condition, wanted) in cases {
            let bundle = bundle(condition, "reported", "");
            let told = forgotten_past(&bundle, &terms).map(|obstacle| obstacle.to_string());
            let fits = match (&told, wanted) {
                (Some(told), Some(wanted)) => told.contains("  a:b: ") && told.contains(wanted),
                (told, wanted) => told.is_none() && wanted.is_none(),
            };
            assert!(fits, "{condition}: {told:?}");
            let forever = RetentionTerms {
                decisions: Kept::Forever,
                erased_users: Kept::Forever,
                verifications: Kept::Forever,
                facts: Kept::Forever,
                ..terms
            };
            assert_eq!(forgotten_past(&bundle, &forever), None, "{condition}");
        }
        let always = "{ count: calls, by: user, counts: asked, over: 1h, gt: 3 }";
        for (valid_for, is_kept) in [("50d", true), ("51d", false)] {
            let step = format!(
                "custom: {{ kyc: {{ description: d, approved_by: [backend], approval_valid_for: {valid_for} }} }}\n"
            );
            let obstacle = forgotten_past(&bundle(always, "reported", &step), &terms);
            assert_eq!(obstacle.is_none(), is_kept, "{obstacle:?}");
            let told = warnings(&bundle(always, "reported", &step), Some(&terms));
            assert_eq!(told.iter().any(|found| found.code == Code::PastNotKept), !is_kept);
        }
    }
}
