//! Why a bundle whose files are right cannot come into force here all the same.

use std::fmt;

use crate::domain::{Past, RetentionTerms, in_days};
use crate::policy::{Bundle, Code, DeskMisfits, Diagnostics};

/// What stands in a bundle's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The fraud desk says something for which it has no place.
    Desk(DeskMisfits),
    /// It looks further back than is kept: who does, and the settings that would let it, one a line.
    ForgottenPast(String),
}

impl Obstacle {
    /// Its stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk_misfit",
            Self::ForgottenPast(_) => Code::PastNotKept.as_str(),
        }
    }

    /// What is wrong.
    pub(super) const fn message(&self) -> &'static str {
        match self {
            Self::Desk(_) => "the fraud desk has entries for which these files have no place",
            Self::ForgottenPast(_) => "these files look further back than the record is kept",
        }
    }

    /// The way out.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Desk(misfits) => misfits.to_string(),
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

/// The warnings of a bundle, with one more where it could not come into force here although its files are right.
///
/// What the fraud desk says is in the store, and left aside.
///
/// - `terms`: how long the record is kept, where that is known.
pub(crate) fn warnings(bundle: &Bundle, terms: Option<&RetentionTerms>) -> Diagnostics {
    match terms.and_then(|terms| forgotten_past(bundle, terms)) {
        Some(obstacle) => {
            let message = format!("these files cannot come into force: {}", obstacle.message());
            bundle.warnings().with_warning(Code::PastNotKept, message, obstacle.help())
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
    fn nothing_looks_further_back_than_is_kept() {
        let days = |days: u64| Kept::For(Duration::from_secs(days * 86_400));
        let terms = RetentionTerms {
            decisions: days(100),
            personal_values: days(10),
            erased_users: days(90),
            redemptions: days(100),
            verifications: days(50),
            facts: days(20),
            prelude_events: Kept::Forever,
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
