//! What is compared: engines that were handed the rules and the requests beforehand, and are asked to decide.

use crate::asked::Asked;
use crate::fault::Outcome;

mod cedar;
mod common_expressions;
mod conditions;
mod own;
mod rego;

pub(crate) use own::scope_files;

/// The word for "no rule decided".
pub(crate) const OTHERWISE: &str = "otherwise";

/// An engine with compiled rules and prepared requests.
pub(crate) trait Contender {
    /// What it is called in the table.
    fn name(&self) -> String;

    /// Decides about the request in this place and hands over the name of the first rule that held, and how each condition
    /// up to that rule came out: `0` or `1`; nothing when it stops at what settles a rule.
    ///
    /// # Errors
    /// When the engine failed, or there is no such request.
    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()>;
}

/// How much of a rule an engine looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Every condition of every rule that is tried, each outcome noted.
    Whole,
    /// What settles a rule; nothing is noted.
    UntilSettled,
}

impl Work {
    /// The word for it in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "every condition, outcomes noted",
            Self::UntilSettled => "stops early, notes nothing",
        }
    }
}

/// Every contender with what it does. The first is Doorstep with these rules alone, the second with as many as are wished
/// for around them.
///
/// # Errors
/// When one of them does not take its rules or a request.
pub(crate) fn all(asked: &[Asked], scopes: usize) -> Outcome<Vec<(Work, Box<dyn Contender>)>> {
    Ok(vec![
        (Work::Whole, Box::new(own::Own::new(asked, 1)?)),
        (Work::Whole, Box::new(own::Own::new(asked, scopes)?)),
        (Work::Whole, Box::new(common_expressions::CelWhole::new(asked)?)),
        (Work::Whole, Box::new(rego::RegoWhole::new(asked)?)),
        (Work::Whole, Box::new(cedar::CedarWhole::new(asked)?)),
        (Work::UntilSettled, Box::new(common_expressions::Cel::new(asked)?)),
        (Work::UntilSettled, Box::new(rego::Rego::new(asked)?)),
        (Work::UntilSettled, Box::new(cedar::Cedar::new(asked)?)),
    ])
}
