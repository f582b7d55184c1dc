//! Where a bundle's rules look into a list.

use crate::domain::Scope;
use crate::policy::bundle::Bundle;
use crate::policy::condition::{Field, Leaf, Listed, Test};
use crate::policy::lists::fit::Use;
use crate::policy::schema::{FieldKind, Schema};

/// Every use of one list.
#[derive(Debug, Default)]
pub(super) struct Uses<'b> {
    /// What it is compared with.
    pub(super) uses: Vec<Use<'b>>,
    /// The scopes whose verdicts can depend on it.
    pub(super) scopes: Vec<&'b Scope>,
}

impl Bundle {
    /// Where rules look into a list.
    pub(super) fn uses(&self, list: &str) -> Uses<'_> {
        let mut found = Uses::default();
        for rule in self.always() {
            rule.when.each_leaf(&mut |leaf| found.uses.extend(use_of(leaf, list, None)));
        }
        if !found.uses.is_empty() {
            found.scopes = self.scopes();
        }
        for (policy, scopes) in self.policies() {
            let before = found.uses.len();
            for rule in &policy.rules {
                rule.when.each_leaf(&mut |leaf| found.uses.extend(use_of(leaf, list, Some(&policy.schema))));
            }
            if found.uses.len() > before {
                found.scopes.extend(scopes);
            }
        }
        found
    }

    /// The scopes whose verdicts can depend on a list.
    pub(crate) fn scopes_of_list(&self, list: &str) -> Vec<&Scope> {
        self.uses(list).scopes
    }
}

fn use_of<'b>(leaf: &'b Leaf, list: &str, schema: Option<&'b Schema>) -> Option<Use<'b>> {
    if leaf.list()? != list {
        return None;
    }
    Some(match &leaf.test {
        Test::Identifier(_) => Use::Identifiers,
        Test::Listed(Listed::Address(_)) => Use::Addresses,
        Test::Listed(Listed::Mapped(_, wanted)) => Use::Values(&wanted.values),
        _ => match leaf.field {
            Field::UserId => Use::UserIds,
            Field::Platform => Use::Platforms,
            Field::Metadata(at) => match schema.and_then(|schema| schema.fields.get(at)).map(|own| &own.kind)
            {
                Some(FieldKind::Text(rule)) => Use::Field(rule),
                _ => Use::Texts,
            },
            _ => Use::Texts,
        },
    })
}
