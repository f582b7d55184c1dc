//! What a rule decides: continue, review with a plan, or block; and what that becomes for one user.

use super::steps::{Needs, Platforms, Walker};
use crate::domain::{Grant, Step, StepPlan, Verdict};

pub(crate) mod keys;
mod order;
pub(crate) mod read;

pub(crate) use order::{is_plainly_softer, is_softer};

/// The most steps of a plan.
pub(crate) const STEPS_MAX: usize = 10;

/// What a rule decides, before it is known who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not granted.
    Block,
    /// Granted.
    Continue(Grant),
    /// Granted after a plan.
    Review(Box<Review>),
}

/// A plan, and what happens to those who cannot walk it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    /// What is granted at the end.
    pub(crate) grant: Grant,
    /// The steps in walking order; at least one.
    pub(crate) plan: Vec<PlanStep>,
    /// For a user who cannot walk it here (`else`).
    pub(crate) otherwise: Outcome,
}

/// A place in a plan: the first of these steps that the user can do here. A plain step is the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanStep {
    /// In the order of preference; at least one.
    pub(crate) options: Vec<StepOption>,
}

/// A step and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepOption {
    /// The step as it is answered.
    pub(crate) step: Step,
    /// What it takes to walk it.
    pub(crate) needs: Needs,
}

/// Whether the plan that was asked for could be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walked {
    /// Yes, or there was none.
    AsAsked,
    /// No: an `else` decided.
    Else,
}

impl Outcome {
    /// What this user is answered. Total: a plan that cannot be walked gives way to its `else`.
    pub(crate) fn resolve(&self, walker: &Walker) -> (Verdict, Walked) {
        let mut outcome = self;
        let mut walked = Walked::AsAsked;
        loop {
            match outcome {
                Self::Block => return (Verdict::Block, walked),
                Self::Continue(grant) => return (Verdict::Continue(*grant), walked),
                Self::Review(review) => match review.plan_for(walker) {
                    Some(plan) => return (Verdict::Review(review.grant, plan), walked),
                    None => outcome = &review.otherwise,
                },
            }
            walked = Walked::Else;
        }
    }

    /// Whether somebody could continue without any step.
    pub(crate) fn may_continue(&self) -> bool {
        match self {
            Self::Block => false,
            Self::Continue(_) => true,
            Self::Review(review) => review.otherwise.may_continue(),
        }
    }

    /// Hands over every step in it, those of its `else` too.
    pub(crate) fn each_step<'o>(&'o self, take: &mut impl FnMut(&'o Step)) {
        if let Self::Review(review) = self {
            review.plan.iter().flat_map(|place| &place.options).for_each(|option| take(&option.step));
            review.otherwise.each_step(take);
        }
    }
}

impl Review {
    fn plan_for(&self, walker: &Walker) -> Option<StepPlan> {
        let mut steps = Vec::with_capacity(self.plan.len());
        for place in &self.plan {
            let option = place.options.iter().find(|option| option.needs.met_by(walker))?;
            steps.push(option.step.clone());
        }
        // The checker refuses plans in which a key could come twice, so `new` has nothing left to refuse.
        StepPlan::new(steps).ok()
    }

    /// Where the plan can be walked by somebody with every identifier.
    pub(crate) fn platforms(&self) -> Platforms {
        self.plan.iter().fold(Platforms::ALL, |common, place| {
            let here =
                place.options.iter().fold(Platforms::NONE, |any, option| any.or(option.needs.platforms));
            common.and(here)
        })
    }
}

#[cfg(test)]
mod tests;
