//! Whether two conditions can hold for one request: a proof that they cannot, or the benefit of the doubt.
//!
//! A condition is spread out into cases, each a set of leaves that hold or do not hold together. Two conditions exclude
//! each other when every pair of their cases contradicts itself on some field. What cannot be decided counts as
//! possible, so "exclude" is always right, and its opposite may be too careful.

use std::borrow::Cow;

use super::{Subject, interval};
use crate::domain::Scope;
use crate::policy::addresses::AddressSet;
use crate::policy::condition::{Condition, Family, Field, Leaf, Listed, Test};
use crate::policy::schema::FieldKind;
use crate::policy::steps::read::PLATFORM_NAMES;

mod past;
mod taking;
pub(super) use past::Move;

/// The most cases that a condition is spread out into; a wider one counts as possible always.
const CASES_MAX: usize = 256;
/// The most ranges of a set of addresses that is reckoned with.
const RANGES_MAX: usize = 20_000;
/// Stands for every platform that has no name here: no condition can name it.
const OTHER_PLATFORM: &str = "";

/// Whether something is said to hold or said not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Holds,
    Fails,
}

impl Claim {
    const fn opposite(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
        }
    }
}

/// A leaf that holds, or that does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'c> {
    pub(super) leaf: &'c Leaf,
    pub(super) claim: Claim,
}

impl Literal<'_> {
    /// Whether the literal is true of a request that lacks the field.
    fn is_true_when_absent(&self) -> bool {
        self.leaf.when_absent == self.holds()
    }

    pub(super) fn holds(&self) -> bool {
        self.claim == Claim::Holds
    }
}

/// All cases in which a condition holds; `None` inside when there are too many.
#[derive(Debug, Clone)]
pub(super) struct Cases<'c> {
    subject: Subject<'c>,
    condition: &'c Condition,
    cases: Option<Vec<Vec<Literal<'c>>>>,
}

impl<'c> Cases<'c> {
    /// Spreads a condition out.
    pub(super) fn of(condition: &'c Condition, subject: Subject<'c>) -> Self {
        Self { subject, condition, cases: spread(condition, Claim::Holds) }
    }

    /// No case at all, for a rule that never decides.
    pub(super) const fn none(condition: &'c Condition, subject: Subject<'c>) -> Self {
        Self { subject, condition, cases: Some(Vec::new()) }
    }

    /// Whether the condition can never hold.
    pub(super) fn is_impossible(&self) -> bool {
        let subject = self.subject;
        self.cases.as_ref().is_some_and(|cases| cases.iter().all(|case| !possible(case, subject)))
    }

    /// Whether no request satisfies both conditions.
    pub(super) fn exclude(&self, other: &Self) -> bool {
        let (Some(own), Some(theirs)) = (&self.cases, &other.cases) else { return false };
        own.iter().all(|a| theirs.iter().all(|b| !possible(&joined(a, b), self.subject)))
    }

    /// What the condition says about a request's other fields when some are there, or are not: the cases that such a
    /// request could satisfy, with everything about those fields forgotten.
    pub(super) fn forgetting(&self, is_forgotten: &impl Fn(Field) -> bool, presence: Presence) -> Self {
        let could_be = |literal: &Literal<'c>| match presence {
            Presence::Absent => literal.is_true_when_absent(),
            // Money and questions about the past can lack another part even when the field is there.
            Presence::Present => {
                can_hold_when_present(literal)
                    || matches!(literal.leaf.field, Field::Money(_) | Field::History(_))
            }
        };
        let keep = |case: &Vec<Literal<'c>>| -> Option<Vec<Literal<'c>>> {
            let (about, rest): (Vec<_>, Vec<_>) =
                case.iter().copied().partition(|literal| is_forgotten(literal.leaf.field));
            about.iter().all(could_be).then_some(rest)
        };
        let cases = self.cases.as_ref().map(|cases| cases.iter().filter_map(keep).collect());
        Self { subject: self.subject, condition: self.condition, cases }
    }

    /// What leaving out a field can do to the condition.
    pub(super) fn depends_on(&self, is_about: &impl Fn(Field) -> bool) -> Dependence {
        let mut reads = false;
        self.condition.each_leaf(&mut |leaf| reads |= is_about(leaf.field));
        let mut found = Dependence::default();
        if !reads {
            return found;
        }
        let Some(cases) = &self.cases else { return Dependence { loses: true, gains: true } };
        for literal in cases.iter().flatten().filter(|literal| is_about(literal.leaf.field)) {
            if literal.is_true_when_absent() {
                found.gains = true;
            } else {
                found.loses = true;
            }
        }
        found
    }
}

/// Whether a field is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Present,
    Absent,
}

/// What leaving a field out can do to a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dependence {
    /// It may no longer hold.
    pub(super) loses: bool,
    /// It may hold although it did not.
    pub(super) gains: bool,
}

fn can_hold_when_present(literal: &Literal<'_>) -> bool {
    match literal.leaf.test {
        Test::Present(wanted) => wanted == literal.holds(),
        _ => true,
    }
}

fn joined<'c>(a: &[Literal<'c>], b: &[Literal<'c>]) -> Vec<Literal<'c>> {
    a.iter().chain(b).copied().collect()
}

fn spread(condition: &Condition, claim: Claim) -> Option<Vec<Vec<Literal<'_>>>> {
    match (condition, claim) {
        (Condition::Always, Claim::Holds) => Some(vec![Vec::new()]),
        (Condition::Always, Claim::Fails) => Some(Vec::new()),
        (Condition::Leaf(leaf), claim) => Some(vec![vec![Literal { leaf, claim }]]),
        (Condition::Not(part), claim) => spread(part, claim.opposite()),
        (Condition::All(parts), Claim::Holds) | (Condition::Any(parts), Claim::Fails) => {
            let mut product = vec![Vec::new()];
            for part in parts {
                let cases = spread(part, claim)?;
                if product.len().saturating_mul(cases.len()) > CASES_MAX {
                    return None;
                }
                product = product.iter().flat_map(|a| cases.iter().map(move |b| joined(a, b))).collect();
            }
            Some(product)
        }
        (Condition::Any(parts), Claim::Holds) | (Condition::All(parts), Claim::Fails) => {
            let mut sum = Vec::new();
            for part in parts {
                sum.extend(spread(part, claim)?);
            }
            (sum.len() <= CASES_MAX).then_some(sum)
        }
    }
}

/// Whether a request could satisfy all literals. `false` is a proof.
fn possible(case: &[Literal<'_>], subject: Subject<'_>) -> bool {
    case.iter().enumerate().all(|(at, literal)| {
        let field = literal.leaf.field;
        if case.iter().take(at).any(|earlier| earlier.leaf.field == field) {
            return true;
        }
        let about: Vec<_> = case.iter().skip(at).filter(|other| other.leaf.field == field).copied().collect();
        possible_for(field, &about, subject)
    })
}

fn possible_for(field: Field, literals: &[Literal<'_>], subject: Subject<'_>) -> bool {
    let can_be_absent = !field.optional_parts(subject.schema).is_empty();
    if can_be_absent && literals.iter().all(Literal::is_true_when_absent) {
        return true;
    }
    let opposed = literals
        .iter()
        .any(|a| literals.iter().any(|b| a.holds() && !b.holds() && a.leaf.test == b.leaf.test));
    if opposed || !literals.iter().all(can_hold_when_present) {
        return false;
    }
    match field {
        Field::IdentifiersAny | Field::IdentifiersEvery | Field::Time => true,
        Field::Bucket => possible_bucket(literals),
        Field::History(at) => past::possible(at, literals, subject),
        Field::Ip => possible_address(literals),
        Field::IdentifiersCount => interval::possible_number(literals, None),
        Field::Money(at) => {
            let currencies = subject.schema.money.get(at).map_or(0, |rule| rule.currencies.len());
            (0..currencies).any(|currency| interval::possible_money(literals, currency))
        }
        Field::Metadata(at) => match subject.schema.fields.get(at).map(|field| &field.kind) {
            Some(FieldKind::Decimal(rule)) => interval::possible_number(literals, Some(rule)),
            Some(FieldKind::Text(rule)) => {
                let universe = rule.one_of.as_ref().map(|values| values.iter().map(|v| &**v).collect());
                possible_text(literals, universe)
            }
            None => true,
        },
        Field::Scope => possible_text(literals, Some(subject.scopes.iter().map(Scope::as_str).collect())),
        Field::Platform => {
            possible_text(literals, Some(PLATFORM_NAMES.into_iter().chain([OTHER_PLATFORM]).collect()))
        }
        Field::UserId => possible_text(literals, None),
        Field::UserAgent => possible_family(literals) && possible_text(literals, None),
    }
}

/// A user is in one bucket of each kind: in one of the first so many, and in none of the first so many others.
fn possible_bucket(literals: &[Literal<'_>]) -> bool {
    let claims = |wanted: Claim| {
        literals.iter().filter(move |literal| literal.claim == wanted).filter_map(|literal| {
            match &literal.leaf.test {
                Test::Bucket(test) => Some(test),
                _ => None,
            }
        })
    };
    !claims(Claim::Holds).any(|inside| {
        claims(Claim::Fails).any(|outside| {
            (inside.of, &inside.salt) == (outside.of, &outside.salt) && inside.below <= outside.below
        })
    })
}

fn possible_address(literals: &[Literal<'_>]) -> bool {
    let set = literals.iter().fold(AddressSet::everything(), |left, literal| match &literal.leaf.test {
        Test::InRange(set) if (1..=RANGES_MAX).contains(&set.len()) => {
            if literal.holds() {
                left.and(set)
            } else {
                left.and(&set.complement())
            }
        }
        // Lists of addresses prove nothing: see `possible_text`.
        _ => left,
    });
    !set.is_empty() && literals.iter().all(|literal| possible_value(literal, literals))
}

/// An address has at most one value in a mapping list. Which one is the fraud desk's to change, so nothing else is
/// reckoned with.
fn possible_value(literal: &Literal<'_>, literals: &[Literal<'_>]) -> bool {
    let Test::Listed(Listed::Mapped(list, wanted)) = &literal.leaf.test else { return true };
    if !literal.holds() {
        return true;
    }
    wanted.values.iter().any(|value| {
        literals.iter().all(|other| match &other.leaf.test {
            Test::Listed(Listed::Mapped(same, wanted)) if same == list => {
                wanted.values.contains(value) == other.holds()
            }
            _ => true,
        })
    })
}

/// A text is possible when one of the known values fits every literal, or when the values are not known and the
/// literals do not ask for two different beginnings or ends. What stands in a list proves nothing: its entries end, and
/// change more often than anybody looks at the rules again.
fn possible_text(literals: &[Literal<'_>], universe: Option<Vec<&str>>) -> bool {
    let listed = literals.iter().find_map(|literal| match &literal.leaf.test {
        Test::OneOf(texts) if literal.holds() => Some(texts.iter().map(|text| &**text).collect()),
        _ => None,
    });
    let Some(candidates): Option<Vec<&str>> = listed.or(universe) else {
        return !has_two_ends(literals);
    };
    candidates.iter().any(|text| {
        literals.iter().all(|literal| match literal.leaf.test {
            Test::Present(_) | Test::Listed(_) => true,
            ref test => test.text(text) == literal.holds(),
        })
    })
}

/// A user agent is of one family.
fn possible_family(literals: &[Literal<'_>]) -> bool {
    Family::ALL.iter().any(|family| {
        literals.iter().all(|literal| match &literal.leaf.test {
            Test::Family(families) => families.contains(family) == literal.holds(),
            _ => true,
        })
    })
}

fn has_two_ends(literals: &[Literal<'_>]) -> bool {
    let held = || literals.iter().filter(|literal| literal.holds());
    let starts = held().filter_map(|literal| match &literal.leaf.test {
        Test::StartsWith(text) => Some(Cow::Borrowed(&**text)),
        _ => None,
    });
    let ends = held().filter_map(|literal| match &literal.leaf.test {
        Test::EndsWith(text) => Some(Cow::Owned(text.chars().rev().collect::<String>())),
        _ => None,
    });
    clash(&starts.collect::<Vec<_>>()) || clash(&ends.collect::<Vec<_>>())
}

fn clash(beginnings: &[Cow<'_, str>]) -> bool {
    beginnings.iter().any(|a| beginnings.iter().any(|b| !a.starts_with(&**b) && !b.starts_with(&**a)))
}
