//! How the outcomes of a condition's leaves join: its tree as masks.

use super::questions::BITS;
use super::{Condition, LEAVES_MAX};

/// Outcomes, a bit each.
#[derive(Debug, Default)]
pub(super) struct Outcomes(pub(super) [u64; LEAVES_MAX / BITS]);

impl Outcomes {
    /// The outcome in a place.
    pub(super) fn at(&self, at: usize) -> bool {
        self.0.get(at / BITS).is_some_and(|word| word >> (at % BITS) & 1 == 1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    All,
    Any,
}

/// Outcomes that join, and junctions of others. What stands below a `not` was turned around, so there is none left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Junction {
    join: Join,
    masks: Box<[Mask]>,
    parts: Box<[Self]>,
}

/// Outcomes of one machine word: which ones, and which of them count when they are false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mask {
    word: usize,
    of: u64,
    turned: u64,
}

/// How a condition counts: as it stands, or turned around by the `not`s above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    True,
    False,
}

impl Wanted {
    const fn opposite(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }

    const fn join(self, join: Join) -> Join {
        match (self, join) {
            (Self::True, Join::All) | (Self::False, Join::Any) => Join::All,
            (Self::True, Join::Any) | (Self::False, Join::All) => Join::Any,
        }
    }
}

impl Junction {
    /// Compiles a tree whose leaves, in file order, have the outcomes from `first` on.
    pub(super) fn of(condition: &Condition, first: usize) -> Self {
        Self::wanted(condition, Wanted::True, &mut { first })
    }

    fn wanted(condition: &Condition, wanted: Wanted, next: &mut usize) -> Self {
        match condition {
            Condition::All(parts) => Self::joined(wanted.join(Join::All), parts, wanted, next),
            Condition::Any(parts) => Self::joined(wanted.join(Join::Any), parts, wanted, next),
            Condition::Not(part) => Self::wanted(part, wanted.opposite(), next),
            Condition::Leaf(_) => Self::joined(Join::All, std::slice::from_ref(condition), wanted, next),
            // `all` of nothing holds, `any` of nothing does not.
            Condition::Always => Self::joined(wanted.join(Join::All), &[], wanted, next),
        }
    }

    fn joined(join: Join, conditions: &[Condition], wanted: Wanted, next: &mut usize) -> Self {
        let (mut masks, mut parts): (Vec<Mask>, Vec<Self>) = (Vec::new(), Vec::new());
        for condition in conditions {
            let (condition, wanted) = below_nots(condition, wanted);
            if !matches!(condition, Condition::Leaf(_)) {
                parts.push(Self::wanted(condition, wanted, next));
                continue;
            }
            let (word, of) = (*next / BITS, 1 << (*next % BITS));
            *next += 1;
            let turned = if wanted == Wanted::False { of } else { 0 };
            match masks.last_mut() {
                Some(mask) if mask.word == word => {
                    mask.of |= of;
                    mask.turned |= turned;
                }
                _ => masks.push(Mask { word, of, turned }),
            }
        }
        Self { join, masks: masks.into(), parts: parts.into() }
    }

    /// Whether the condition holds, of whose leaves these are the outcomes.
    pub(super) fn holds(&self, outcomes: &Outcomes) -> bool {
        let counting = |mask: &Mask| (outcomes.0.get(mask.word).unwrap_or(&0) ^ mask.turned) & mask.of;
        match self.join {
            Join::All => {
                self.masks.iter().all(|mask| counting(mask) == mask.of)
                    && self.parts.iter().all(|part| part.holds(outcomes))
            }
            Join::Any => {
                self.masks.iter().any(|mask| counting(mask) != 0)
                    || self.parts.iter().any(|part| part.holds(outcomes))
            }
        }
    }
}

fn below_nots(mut condition: &Condition, mut wanted: Wanted) -> (&Condition, Wanted) {
    while let Condition::Not(part) = condition {
        (condition, wanted) = (part, wanted.opposite());
    }
    (condition, wanted)
}

#[cfg(test)]
mod tests;
