//! Conditions as they are evaluated: questions of one kind stand together and compare numbers where they can, and the trees
//! above them are masks over the outcomes (docs/decisions/0030-conditions-become-numbers.md).

use std::sync::Arc;

use super::frame::Frame;
use super::junction::{Junction, Outcomes};
use super::questions::{BITS, Questions};
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
    conditions: Vec<Compiled>,
    leaves: usize,
}

/// A condition in its block.
#[derive(Debug, Clone, PartialEq)]
struct Compiled {
    /// The place after its last outcome.
    end: usize,
    junction: Junction,
}

impl Program {
    /// Compiles conditions of at most [`LEAVES_MAX`] leaves each, which the reader makes sure of.
    pub(crate) fn of<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        for condition in conditions {
            let mut leaves: Vec<&Arc<Leaf>> = Vec::new();
            condition.each_leaf(&mut |leaf| leaves.push(leaf));
            debug_assert!(leaves.len() <= LEAVES_MAX);
            match blocks.last_mut().filter(|block| block.leaves + leaves.len() <= BITS) {
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

    /// Hands over whether each condition holds, in order, with what belongs to it; gives back the first of which `decides`
    /// says that it does, and writes down every leaf's outcome up to there, in file order: `0` or `1`.
    ///
    /// No short cut is taken within a condition: every question is asked, so that the record can show all of them.
    ///
    /// - `of`: what the conditions belong to, in the same order.
    pub(crate) fn find<'r, T>(
        &self,
        of: &'r [T],
        frame: &Frame<'_>,
        written: &mut Vec<u8>,
        mut decides: impl FnMut(&T, bool) -> bool,
    ) -> Option<&'r T> {
        let mut left = of.iter();
        for block in &self.blocks {
            let outcomes = block.outcomes(frame);
            for (condition, owner) in block.conditions.iter().zip(left.by_ref()) {
                if decides(owner, condition.junction.holds(&outcomes)) {
                    outcomes.write(condition.end, written);
                    return Some(owner);
                }
            }
            outcomes.write(block.leaves, written);
        }
        None
    }
}

impl Block {
    fn add(&mut self, condition: &Condition, leaves: &[&Arc<Leaf>]) {
        let from = self.leaves;
        for (at, leaf) in (from..).zip(leaves) {
            if at / BITS == self.questions.len() {
                self.questions.push(Questions::default());
            }
            if let Some(questions) = self.questions.get_mut(at / BITS) {
                questions.ask(leaf, at % BITS);
            }
        }
        self.leaves += leaves.len();
        self.conditions.push(Compiled { end: self.leaves, junction: Junction::of(condition, from) });
    }

    fn outcomes(&self, frame: &Frame<'_>) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (word, questions) in outcomes.0.iter_mut().zip(&self.questions) {
            *word = questions.outcomes(frame);
        }
        outcomes
    }
}
