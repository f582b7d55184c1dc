//! cedar-policy: one permitting policy a rule; the first of those that hold decides.

use std::collections::HashMap;
use std::str::FromStr as _;

use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicyId, PolicySet, Request};

use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const RULES: &str = include_str!("../../rules/transfer.cedar");

/// Parsed policies and one built request each.
pub(super) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<Request>,
    /// The place of each policy in its file, by id.
    places: HashMap<PolicyId, usize>,
    names: Vec<String>,
}

impl Cedar {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let policies = PolicySet::from_str(RULES).doing("reading the policies")?;
        let mut numbered: Vec<(usize, PolicyId, String)> = Vec::new();
        for policy in policies.policies() {
            let number =
                policy.id().to_string().trim_start_matches("policy").parse().doing("reading an id")?;
            numbered.push((
                number,
                policy.id().clone(),
                policy.annotation("id").unwrap_or_default().to_owned(),
            ));
        }
        numbered.sort();
        let places = numbered.iter().enumerate().map(|(at, (_, id, _))| (id.clone(), at)).collect();
        let names = numbered.into_iter().map(|(.., name)| name).collect();
        let requests = asked.iter().map(request).collect::<Outcome<_>>()?;
        let (authorizer, entities) = (Authorizer::new(), Entities::empty());
        Ok(Self { authorizer, policies, entities, requests, places, names })
    }
}

fn request(asked: &Asked) -> Outcome<Request> {
    let context = Context::from_json_value(asked.json(), None).doing("reading a request")?;
    let uid = |text: &str| EntityUid::from_str(text).doing("naming an entity");
    let (user, action, scope) = (uid("User::\"u\"")?, uid("Action::\"a\"")?, uid("Scope::\"s\"")?);
    Request::new(user, action, scope, context, None).doing("building a request")
}

impl Contender for Cedar {
    fn name(&self) -> String {
        "cedar-policy 4.14".to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str)) -> Outcome<()> {
        let request = self.requests.get(at).ok_or_else(|| Fault::new("no such request"))?;
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            return Err(Fault::new("a policy failed"));
        }
        let first = response.diagnostics().reason().filter_map(|id| self.places.get(id)).min();
        take(first.and_then(|at| self.names.get(*at)).map_or(OTHERWISE, |name| name));
        Ok(())
    }
}
