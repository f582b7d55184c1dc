//! What a bundle must know of the past, and what of a call is kept for later ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Bundle, Claim, GRANTS_FILE, Loader, Tree, is_scope_file, named};
use crate::domain::{Amount, Executions, Facts, Metadata, Needs, Scope, Subject, Traits};
use crate::policy::grants::{Knowledge, Neighbours, grants};
use crate::policy::reader::{Map, Reader};
use crate::policy::schema::read::{ReadSchema, schema};
use crate::policy::schema::{FieldKind, Schema, Value, Values};
use crate::policy::yaml::Kind;

static NOTHING: Needs = Needs::none();

impl Bundle {
    /// What must be known of the past to decide about a scope; nothing for one that is not covered.
    pub(crate) fn needs(&self, scope: &Scope) -> &Needs {
        self.policy(scope).map_or(&NOTHING, |policy| &policy.needs)
    }

    /// What of a call is kept, so that later calls can be compared with it: in normal form, as conditions see it. Metadata
    /// that does not fit the scope is not kept; the call is.
    pub(crate) fn traits(&self, facts: &Facts) -> Traits {
        let mut traits = Traits::of(facts);
        if let Some(policy) = self.policy(&facts.scope)
            && let Ok(values) = policy.schema.check(&facts.metadata)
        {
            add_metadata(&mut traits, &policy.schema, &values);
        }
        traits
    }

    /// What a page sent for a scope in the normal form of [`Self::traits`], field by field; what is empty is left out.
    ///
    /// Nothing is judged: a field that the scope does not have, and what is no value of its field, stand as they came.
    pub(crate) fn normal_metadata(&self, scope: &Scope, metadata: &Metadata) -> Vec<(Arc<str>, Box<str>)> {
        let fields = self.policy(scope).map_or(&[][..], |policy| &policy.schema.fields);
        let normal = |name: &str, text: &str| -> Box<str> {
            match fields.iter().find(|field| *field.name == *name).map(|field| &field.kind) {
                Some(FieldKind::Decimal(_)) => {
                    Amount::parse(text).map_or_else(|_| text.into(), normal_decimal)
                }
                Some(FieldKind::Text(rule)) => rule.normal(text).into(),
                None => text.into(),
            }
        };
        let all = metadata.iter().map(|(name, text)| (name.into(), normal(name, text)));
        all.filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// By value: 1.0 is 1.
fn normal_decimal(amount: Amount) -> Box<str> {
    amount.decimal().normalize().to_string().into()
}

fn add_metadata(traits: &mut Traits, schema: &Schema, values: &Values<'_>) {
    for (at, field) in schema.fields.iter().enumerate() {
        let text = match values.field(at) {
            Value::Absent => continue,
            Value::Decimal(amount, _) => normal_decimal(*amount),
            Value::Text(text, _) => (**text).into(),
        };
        traits.subjects.push((Subject::Metadata(Arc::clone(&field.name)), text));
    }
    for rule in &schema.money {
        let currency = |place| rule.currencies.get(place).copied();
        if let Some((amount, currency)) =
            values.money(rule).and_then(|(amount, place)| Some((amount, currency(place)?)))
        {
            traits.money.push((rule.name().into(), amount, currency));
        }
    }
}

/// What the page may send for each file of scopes, as far as it can be read. What is wrong with it is said when the file
/// itself is read.
pub(super) fn schemas(claims: &[Claim<'_, '_>]) -> Vec<ReadSchema> {
    let read = |claim: &Claim<'_, '_>| match &claim.tree.root.kind {
        Kind::Map(entries) => {
            schema(&mut Reader::new(claim.tree.file), &Map { span: claim.tree.root.span, entries })
        }
        Kind::Text(_) | Kind::List(_) => ReadSchema::default(),
    };
    claims.iter().map(read).collect()
}

impl Loader {
    /// Puts together what the files tell each other for questions about the past.
    ///
    /// - `schemas`: one for each claim, in their order.
    pub(super) fn neighbours<'s>(
        &mut self,
        trees: &[Tree<'_>],
        claims: &[Claim<'_, '_>],
        schemas: &'s [ReadSchema],
    ) -> Neighbours<'s> {
        let mut by_scope = BTreeMap::new();
        for (claim, schema) in claims.iter().zip(schemas) {
            by_scope.extend(claim.scopes.iter().map(|(scope, _)| (scope.clone(), schema)));
        }
        let is_partial = self.unreadable.iter().any(|name| is_scope_file(name));
        let knowledge = if is_partial { Knowledge::Partial } else { Knowledge::Whole };
        // A file that is not YAML counts as one that reports executions: its conditions are not complained about.
        let unsaid =
            if self.unreadable.contains(GRANTS_FILE) { Executions::Reported } else { Executions::Unreported };
        let executions = named(trees, GRANTS_FILE)
            .map_or(unsaid, |tree| self.read(tree.file, |reader| grants(reader, &tree.root)));
        Neighbours { schemas: by_scope, knowledge, executions }
    }
}
