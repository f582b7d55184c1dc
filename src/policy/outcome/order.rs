//! Which verdict is softer.

use super::{Outcome, Walker};
use crate::domain::{Grant, GrantMode, StepPlan, Verdict};

/// Whether `new` is softer than `old` for some user: whether somebody would gain by getting it instead.
///
/// Continue before review before block. Of two reviews, the one that lacks a step of the other or grants more; of two
/// continues, the one that grants more. Two reviews with different steps are each softer than the other: nobody can
/// say that a missing step is made up for by another one.
pub(crate) fn is_softer(new: &Outcome, old: &Outcome) -> bool {
    Walker::every_kind()
        .iter()
        .any(|walker| verdict_is_softer(&new.resolve(walker).0, &old.resolve(walker).0))
}

/// Whether `new` is softer than `old` and in no way stricter: unlike [`is_softer`], silent about two reviews with different
/// steps.
pub(crate) fn is_plainly_softer(new: &Verdict, old: &Verdict) -> bool {
    verdict_is_softer(new, old) && !verdict_is_softer(old, new)
}

fn verdict_is_softer(new: &Verdict, old: &Verdict) -> bool {
    match (new, old) {
        (Verdict::Block, _) | (Verdict::Review(..), Verdict::Continue(_)) => false,
        (_, Verdict::Block) | (Verdict::Continue(_), Verdict::Review(..)) => true,
        (Verdict::Continue(new), Verdict::Continue(old)) => grants_more(*new, *old),
        (Verdict::Review(new, new_plan), Verdict::Review(old, old_plan)) => {
            grants_more(*new, *old) || lacks_a_step(new_plan, old_plan)
        }
    }
}

fn grants_more(new: Grant, old: Grant) -> bool {
    new.granted_for > old.granted_for || reach(new.mode) > reach(old.mode)
}

const fn reach(mode: GrantMode) -> u8 {
    match mode {
        GrantMode::SingleUse => 0,
        GrantMode::SessionBound => 1,
        GrantMode::ProfileBound => 2,
    }
}

fn lacks_a_step(new: &StepPlan, old: &StepPlan) -> bool {
    old.steps().iter().any(|step| !new.steps().iter().any(|other| other.key == step.key))
}
