//! What is left for a rule: on one platform, and after those above it.

use super::{Cases, Literal, joined, possible};
use crate::domain::Platform;
use crate::policy::condition::{Field, Test};

/// The most cases that are left over when rules are taken away from each other.
const LEFT_MAX: usize = 64;

impl<'c> Cases<'c> {
    /// The cases in which the condition can hold on a platform, with what they say about it taken for granted.
    pub(in super::super) fn on(&self, platform: &Platform) -> Self {
        let is_about = |literal: &Literal<'_>| {
            literal.leaf.field == Field::Platform && !matches!(literal.leaf.test, Test::Listed(_))
        };
        let keep = |case: &Vec<Literal<'c>>| -> Option<Vec<Literal<'c>>> {
            let (about, rest): (Vec<_>, Vec<_>) = case.iter().copied().partition(is_about);
            let fits = |literal: &Literal<'_>| literal.leaf.test.text(platform.as_str()) == literal.holds();
            (about.iter().all(fits) && possible(&rest, self.subject)).then_some(rest)
        };
        let cases = self.cases.as_ref().map(|cases| cases.iter().filter_map(keep).collect());
        Self { subject: self.subject, condition: self.condition, cases }
    }

    /// Whether every request satisfies the condition, since one of its cases asks for nothing.
    pub(in super::super) fn takes_all(&self) -> bool {
        self.cases.as_ref().is_some_and(|cases| cases.iter().any(Vec::is_empty))
    }

    /// Every request there is, for the same file.
    pub(in super::super) fn all(&self) -> Self {
        Self { subject: self.subject, condition: self.condition, cases: Some(vec![Vec::new()]) }
    }

    /// Leaves only the cases in which the other condition does not hold. Where they would become too many, all are left,
    /// which is too much and never too little.
    pub(in super::super) fn take_away(&mut self, other: &Self) {
        let Some(own) = &self.cases else { return };
        let Some(fails) = other.opposite() else { return };
        if own.len().saturating_mul(fails.len()) > LEFT_MAX {
            return;
        }
        let left = own.iter().flat_map(|a| fails.iter().map(move |b| joined(a, b)));
        self.cases = Some(left.filter(|case| possible(case, self.subject)).collect());
    }

    /// The cases in which none of these holds; `None` when there are too many.
    fn opposite(&self) -> Option<Vec<Vec<Literal<'c>>>> {
        let opposite =
            |literal: &Literal<'c>| Literal { leaf: literal.leaf, claim: literal.claim.opposite() };
        let mut product = vec![Vec::new()];
        for case in self.cases.as_ref()? {
            if product.len().saturating_mul(case.len()) > LEFT_MAX {
                return None;
            }
            product = product
                .iter()
                .flat_map(|a| case.iter().map(move |literal| joined(a, &[opposite(literal)])))
                .collect();
        }
        Some(product)
    }

    /// Whether every request that satisfies the condition satisfies one of the others.
    pub(in super::super) fn is_covered_by<'o>(&self, others: impl Iterator<Item = &'o Self>) -> bool
    where
        'c: 'o,
    {
        let mut left = self.clone();
        for other in others {
            left.take_away(other);
            if left.cases.as_ref().is_some_and(Vec::is_empty) {
                return true;
            }
        }
        false
    }

    /// Whether both have the same cases.
    pub(in super::super) fn is_like(&self, other: &Self) -> bool {
        let (Some(own), Some(theirs)) = (&self.cases, &other.cases) else { return false };
        let is_same =
            |(a, b): (&Literal<'_>, &Literal<'_>)| std::ptr::eq(a.leaf, b.leaf) && a.claim == b.claim;
        own.len() == theirs.len()
            && own.iter().zip(theirs).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(is_same))
    }

    /// Whether the condition looks at the platform.
    pub(in super::super) fn reads_platform(&self) -> bool {
        let mut reads = false;
        self.condition.each_leaf(&mut |leaf| reads |= leaf.field == Field::Platform);
        reads
    }
}
