//! cedar-policy: one permitting policy a rule, of which the first that holds decides; and one a condition.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicyId, PolicySet, Request};

use super::conditions::{self, Apart};
use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const NAME: &str = "cedar-policy 4.14";
const RULES: &str = include_str!("../../rules/transfer.cedar");
const CONDITIONS: &str = include_str!("../../rules/conditions/cedar.txt");

/// Parsed policies and one built request each.
struct Policies {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<Request>,
    /// The place of each policy in its file, by id.
    places: HashMap<PolicyId, usize>,
    names: Vec<String>,
}

impl Policies {
    fn new(rules: &str, asked: &[Asked]) -> Outcome<Self> {
        let policies = PolicySet::from_str(rules).doing("reading the policies")?;
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

    /// Hands over the places of all policies that hold.
    fn each_held(&self, at: usize, take: &mut impl FnMut(usize)) -> Outcome<()> {
        let request = self.requests.get(at).ok_or_else(|| Fault::new("no such request"))?;
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            return Err(Fault::new("a policy failed"));
        }
        response.diagnostics().reason().filter_map(|id| self.places.get(id)).for_each(|at| take(*at));
        Ok(())
    }
}

fn request(asked: &Asked) -> Outcome<Request> {
    let context = Context::from_json_value(asked.json(), None).doing("reading a request")?;
    let uid = |text: &str| EntityUid::from_str(text).doing("naming an entity");
    let (user, action, scope) = (uid("User::\"u\"")?, uid("Action::\"a\"")?, uid("Scope::\"s\"")?);
    Request::new(user, action, scope, context, None).doing("building a request")
}

/// One policy a rule. Stops at what settles a rule.
pub(super) struct Cedar(Policies);

impl Cedar {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        Policies::new(RULES, asked).map(Self)
    }
}

impl Contender for Cedar {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let mut first: Option<usize> = None;
        self.0.each_held(at, &mut |at| first = Some(first.map_or(at, |first| first.min(at))))?;
        take(first.and_then(|at| self.0.names.get(at)).map_or(OTHERWISE, |name| name), "");
        Ok(())
    }
}

/// One policy a condition, each evaluated.
pub(super) struct CedarWhole {
    policies: Policies,
    rules: Vec<Apart>,
}

impl CedarWhole {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let (rules, texts) = conditions::read(CONDITIONS);
        let policies = texts.iter().fold(String::new(), |mut all, text| {
            _ = writeln!(all, "permit (principal, action, resource) when {{ {text} }};");
            all
        });
        Ok(Self { policies: Policies::new(&policies, asked)?, rules })
    }
}

impl Contender for CedarWhole {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let mut outcomes = vec![b'0'; self.policies.names.len()];
        self.policies.each_held(at, &mut |at| {
            if let Some(outcome) = outcomes.get_mut(at) {
                *outcome = b'1';
            }
        })?;
        let outcomes = String::from_utf8(outcomes).doing("writing outcomes")?;
        let (rule, outcomes) = conditions::first(&self.rules, &outcomes);
        take(rule.unwrap_or(OTHERWISE), outcomes);
        Ok(())
    }
}
