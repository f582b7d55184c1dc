//! Doorstep itself: its matcher, with everything that it records of a decision.

use doorstep::testing::{Policies, Request};

use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

/// The scope that the measured rules are for.
const SCOPE: &str = "transfer:write";
const RULES: &str = include_str!("../../rules/transfer.yaml");

/// A bundle and the requests that it decides about.
pub(super) struct Own {
    policies: Policies,
    requests: Vec<Request>,
}

impl Own {
    pub(super) fn new(asked: &[Asked], scopes: usize) -> Outcome<Self> {
        let policies = Policies::load(scope_files(scopes)).doing("loading the bundle")?;
        let requests = asked.iter().map(|asked| Request::read(&asked.yaml(SCOPE)));
        let requests = requests.collect::<Result<_, _>>().doing("reading a request")?;
        Ok(Self { policies, requests })
    }
}

impl Contender for Own {
    fn name(&self) -> String {
        format!("Doorstep, in a bundle of {} rules", self.policies.rule_count())
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let request = self.requests.get(at).ok_or_else(|| Fault::new("no such request"))?;
        let decided = self.policies.decide(request);
        take(decided.rule().unwrap_or(OTHERWISE), decided.outcomes());
        Ok(())
    }
}

/// As many scope files as wished for, each with the twenty rules; the measured scope lies in the middle of them.
pub(crate) fn scope_files(scopes: usize) -> Vec<(String, String)> {
    let name = |at: usize| if at == scopes / 2 { SCOPE.to_owned() } else { format!("scope-{at}:write") };
    let text = |at: usize| RULES.replace(&format!("[{SCOPE}]"), &format!("['{}']", name(at)));
    (0..scopes).map(|at| (format!("scope-{at:04}.yaml"), text(at))).collect()
}
