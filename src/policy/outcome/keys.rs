//! The keys of outcomes, grants and plans.

use crate::domain::{GrantMode, VerdictKind};
use crate::policy::grammar::{Choice, DURATION, Key, STEP, Shape, Table};

/// An outcome as it stands under `then`, `else` and `otherwise`.
pub(crate) static ANY_OUTCOME: [Shape; 2] = [Shape::Keys(&OUTCOME), Shape::Words(&["block"])];

/// The words for verdicts.
pub(crate) const VERDICTS: [&str; 3] = {
    let [first, second, third] = VerdictKind::ALL;
    [first.as_str(), second.as_str(), third.as_str()]
};

/// The modes of a grant.
const MODES: [&str; 3] = {
    let [first, second, third] = GrantMode::ALL;
    [first.as_str(), second.as_str(), third.as_str()]
};

/// An outcome that is more than a word.
pub(crate) static OUTCOME: Table = Table::new(
    "outcome",
    "Outcome",
    "What happens to a request, where it is not simply blocked with `block`.",
    &[&[
        Key::optional(
            "continue",
            Shape::Keys(&CONTINUE),
            "The user continues at once, with this grant. Under `otherwise` and `else` this is a warning.",
        ),
        Key::optional("review", Shape::Keys(&REVIEW), "The user first walks some steps."),
    ]],
)
.with(Choice::One(&["continue", "review"]));

/// What stands under `continue`.
pub(crate) static CONTINUE: Table = Table::new(
    "continue",
    "Continue",
    "The user continues at once.",
    &[&[Key::required("grant", Shape::Keys(&GRANT), "What the user gets.")]],
);

/// What stands under `review`.
pub(crate) static REVIEW: Table = Table::new(
    "review",
    "Review",
    "The user walks some steps, and then continues.",
    &[&[
        Key::required("grant", Shape::Keys(&GRANT), "What the user gets at the end."),
        Key::required(
            "steps",
            Shape::SomeList(&Shape::AnyOf(&[Shape::Keys(&PLACE), Shape::Form(&STEP)])),
            "The steps, walked in this order, at most ten. A key alone is a step with an `expires_in` of its own in \
             `steps.yaml`. A step may stand in one place of a plan only.",
        ),
        Key::optional(
            "else",
            Shape::AnyOf(&ANY_OUTCOME),
            "What happens when a place of the plan has no step that this user can do here; the record says \
             `plan_not_walkable`. Without it: `block`.",
        ),
    ]],
);

/// A grant.
pub(crate) static GRANT: Table = Table::new(
    "grant",
    "Grant",
    "What a user gets who may continue.",
    &[&[
        Key::required(
            "mode",
            Shape::Words(&MODES),
            "How far the grant reaches. A file whose rules look at metadata or money grants `single-use` only; files for \
             `prld:passkey:write` cannot grant it, since Prelude does not take it.",
        ),
        Key::required("for", Shape::Form(&DURATION), "How long the grant holds."),
    ]],
);

/// A place of a plan that is more than a key.
pub(crate) static PLACE: Table = Table::new(
    "step",
    "Step of a plan",
    "A place of a plan with a time of its own, or with several steps to pick from.",
    &[&[
        Key::optional("step", Shape::Form(&STEP), "The step."),
        Key::optional(
            "first_of",
            Shape::SomeList(&Shape::Form(&STEP)),
            "Steps to pick from: the first that this user can do here.",
        ),
        Key::optional(
            "expires_in",
            Shape::Form(&DURATION),
            "How long the user has. May be left out where every step named here has an `expires_in` in `steps.yaml`.",
        ),
    ]],
)
.with(Choice::One(&["step", "first_of"]));
