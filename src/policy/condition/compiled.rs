//! Conditions as they are evaluated: questions of one kind stand together and compare numbers where they can, and the trees
//! above them are masks over the outcomes (docs/decisions/0030-conditions-become-numbers.md).

use std::sync::Arc;

use super::frame::Frame;
use super::junction::{Junction, Outcomes, Plain};
use super::questions::{BITS, Questions, joined, so};
use super::{Condition, LEAVES_MAX, Leaf};

/// The conditions of a file's rules as they are evaluated. They say the same as the trees that they were made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Program {
    blocks: Vec<Block>,
}

/// Conditions that are evaluated together: as many as have room in one machine word; one that is larger is alone.
#[derive(Debug, Clone, PartialEq, Default)]
struct Block {
    /// A machine word each.
    questions: Vec<Questions>,
    /// The conditions that are one comparison, each with the place of its bit.
    plain: Vec<(u32, Plain)>,
    /// The others.
    deep: Vec<(u32, Junction)>,
    /// For each condition the place after its last outcome: at most [`BITS`].
    ends: Vec<usize>,
    leaves: usize,
}

impl Program {
    /// Compiles conditions of at most [`LEAVES_MAX`] leaves each, which the reader makes sure of.
    pub(crate) fn of<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        for condition in conditions {
            let mut leaves: Vec<&Arc<Leaf>> = Vec::new();
            condition.each_leaf(&mut |leaf| leaves.push(leaf));
            debug_assert!(leaves.len() <= LEAVES_MAX);
            match blocks.last_mut().filter(|block| block.has_room(leaves.len())) {
                Some(block) => block.add(condition, &leaves),
                None => {
                    let mut block = Block::default();
                    block.add(condition, &leaves);
                    blocks.push(block);
                }
            }
        }
        Self { blocks }
    }

    /// Hands over what belongs to the conditions that hold, in order; gives back the first of which `decides` says that it
    /// does, and writes down every leaf's outcome up to there, in file order: `0` or `1`.
    ///
    /// No short cut is taken within a condition: every question is asked, so that the record can show all of them.
    ///
    /// - `of`: what the conditions belong to, in the same order.
    /// - returns: it, and its place among them.
    pub(crate) fn find<'r, T>(
        &self,
        of: &'r [T],
        frame: &Frame<'_>,
        written: &mut Vec<u8>,
        mut decides: impl FnMut(&T) -> bool,
    ) -> Option<(usize, &'r T)> {
        let mut left = of;
        for block in &self.blocks {
            let outcomes = block.outcomes(frame);
            let (own, others) = left.split_at_checked(block.ends.len()).unwrap_or((left, &[]));
            let found = ones(block.holding(&outcomes))
                .filter_map(|at| Some((at, own.get(at)?, block.ends.get(at)?)))
                .find(|(_, owner, _)| decides(owner));
            if let Some((at, owner, end)) = found {
                outcomes.write(*end, written);
                return Some((of.len() - left.len() + at, owner));
            }
            outcomes.write(block.leaves, written);
            left = others;
        }
        None
    }
}

impl Block {
    fn has_room(&self, leaves: usize) -> bool {
        self.leaves + leaves <= BITS && self.ends.len() < BITS
    }

    fn add(&mut self, condition: &Condition, leaves: &[&Arc<Leaf>]) {
        let from = self.leaves;
        for (at, leaf) in (from..).zip(leaves) {
            if at / BITS == self.questions.len() {
                self.questions.push(Questions::default());
            }
            if let Some(questions) = self.questions.get_mut(at / BITS) {
                questions.ask(leaf, place(at % BITS));
            }
        }
        self.leaves += leaves.len();
        let (bit, junction) = (place(self.ends.len()), Junction::of(condition, from));
        match junction.plain() {
            Some(plain) => self.plain.push((bit, plain)),
            None => self.deep.push((bit, junction)),
        }
        self.ends.push(self.leaves);
    }

    fn outcomes(&self, frame: &Frame<'_>) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (word, questions) in outcomes.0.iter_mut().zip(&self.questions) {
            *word = questions.outcomes(frame);
        }
        outcomes
    }

    /// The conditions that hold, a bit each.
    fn holding(&self, outcomes: &Outcomes) -> u64 {
        let plain = self.plain.iter().map(|(bit, plain)| so(*bit, plain.holds(outcomes)));
        let deep = self.deep.iter().map(|(bit, junction)| so(*bit, junction.holds(outcomes)));
        joined(plain) | joined(deep)
    }
}

/// A place in a machine word. INVARIANT: it is below [`BITS`], so that nothing is lost.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or_default()
}

/// The places of the bits that are set, the lowest first.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = usize::try_from(bits.trailing_zeros()).ok().filter(|at| *at < BITS)?;
        bits &= bits - 1;
        Some(at)
    })
}

#[cfg(test)]
mod tests;
