//! How the outcomes of a condition's leaves join: its tree as masks.

use super::questions::BITS;
use super::{Condition, LEAVES_MAX};

/// Outcomes, a bit each.
#[derive(Debug, Default)]
pub(super) struct Outcomes(pub(super) [u64; LEAVES_MAX / BITS]);

impl Outcomes {
    /// Writes the outcomes of the first places down: `0` or `1` each.
    pub(super) fn write(&self, places: usize, written: &mut Vec<u8>) {
        let end = written.len() + places;
        // Eight at a time, and what is too much is taken back.
        let eights = self.0.iter().flat_map(|word| word.to_le_bytes()).take(places.div_ceil(8));
        eights.for_each(|eight| written.extend_from_slice(&digits(eight)));
        written.truncate(end);
    }
}

/// Eight bits as digits, the lowest one first.
const fn digits(bits: u8) -> [u8; 8] {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Seven copies side by side, each a place further: of every byte, the lowest bit is the next one.
    const COPIES: u64 = 0x0002_0408_1020_4081;
    let (low, high) = (bits & 0x7f, bits >> 7);
    let spread = (u64::from_le_bytes([low, 0, 0, 0, 0, 0, 0, 0]) * COPIES) & EACH;
    (spread | u64::from_le_bytes([0, 0, 0, 0, 0, 0, 0, high]) | (EACH * 0x30)).to_le_bytes()
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
    /// The first mask: nearly always the only one.
    mask: Mask,
    masks: Box<[Mask]>,
    parts: Box<[Self]>,
}

/// A junction of outcomes of the first machine word and of nothing else, as nearly all are: one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain {
    of: u64,
    turned: u64,
    /// What it is when all of them count: an `any` is no `all` of the opposites.
    when_all: bool,
}

impl Plain {
    /// Whether the condition holds, of whose leaves these are the outcomes; without a jump.
    pub(super) const fn holds(self, outcomes: &Outcomes) -> bool {
        let [first, ..] = outcomes.0;
        ((first ^ self.turned) & self.of == self.of) == self.when_all
    }
}

/// Outcomes of one machine word: which ones, and which of them count when they are false. Without any it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
        // What joins one thing is that thing.
        if let (true, [_]) = (masks.is_empty(), &*parts) {
            return parts.remove(0);
        }
        let mask = if masks.is_empty() { Mask::default() } else { masks.remove(0) };
        Self { join, mask, masks: masks.into(), parts: parts.into() }
    }

    /// The same as one comparison; `None` where it takes more.
    pub(super) fn plain(&self) -> Option<Plain> {
        let Mask { word, of, turned } = self.mask;
        let is_plain = word == 0 && self.masks.is_empty() && self.parts.is_empty();
        is_plain.then_some(match self.join {
            Join::All => Plain { of, turned, when_all: true },
            Join::Any => Plain { of, turned: turned ^ of, when_all: false },
        })
    }

    /// Whether the condition holds, of whose leaves these are the outcomes.
    pub(super) fn holds(&self, outcomes: &Outcomes) -> bool {
        let counting = |mask: &Mask| (outcomes.0.get(mask.word).unwrap_or(&0) ^ mask.turned) & mask.of;
        match self.join {
            Join::All => {
                counting(&self.mask) == self.mask.of
                    && self.masks.iter().all(|mask| counting(mask) == mask.of)
                    && self.parts.iter().all(|part| part.holds(outcomes))
            }
            Join::Any => {
                counting(&self.mask) != 0
                    || self.masks.iter().any(|mask| counting(mask) != 0)
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
