//! What is compared: engines that were handed the rules and the requests beforehand, and are asked to decide.

use crate::asked::Asked;
use crate::fault::Outcome;

mod cedar;
mod common_expressions;
mod own;
mod rego;

pub(crate) use own::scope_files;

/// The word for "no rule decided".
pub(crate) const OTHERWISE: &str = "otherwise";

/// An engine with compiled rules and prepared requests.
pub(crate) trait Contender {
    /// What it is called in the table.
    fn name(&self) -> String;

    /// Decides about the request in this place and hands over the name of the first rule that held.
    ///
    /// # Errors
    /// When the engine failed, or there is no such request.
    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str)) -> Outcome<()>;
}

/// Every contender. The first is Doorstep with these rules alone, the second with as many as are wished for around them.
///
/// # Errors
/// When one of them does not take its rules or a request.
pub(crate) fn all(asked: &[Asked], scopes: usize) -> Outcome<Vec<Box<dyn Contender>>> {
    Ok(vec![
        Box::new(own::Own::new(asked, 1)?),
        Box::new(own::Own::new(asked, scopes)?),
        Box::new(common_expressions::Cel::new(asked)?),
        Box::new(rego::Rego::new(asked)?),
        Box::new(cedar::Cedar::new(asked)?),
    ])
}
