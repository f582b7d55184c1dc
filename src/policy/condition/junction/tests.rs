use std::sync::Arc;

use super::*;
use crate::policy::condition::{Field, Leaf, Test, Words};

/// A leaf; what it asks does not matter here.
fn leaf() -> Condition {
    let words = Box::new(Words { field: "signals.platform".into(), asks: "{ eq: WEB }".into() });
    let test = Test::OneOf(vec!["WEB".into()]);
    Condition::Leaf(Arc::new(Leaf { field: Field::Platform, test, when_absent: false, words }))
}

/// What the tree itself makes of outcomes, taken in file order.
fn tree(condition: &Condition, outcomes: &mut impl Iterator<Item = bool>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Leaf(_) => outcomes.next().expect("an outcome for each leaf"),
        Condition::All(parts) => parts.iter().fold(true, |held, part| tree(part, outcomes) & held),
        Condition::Any(parts) => parts.iter().fold(false, |held, part| tree(part, outcomes) | held),
        Condition::Not(part) => !tree(part, outcomes),
    }
}

/// Trees drawn by a small generator: every shape up to a depth, with any number of `not`s.
fn drawn(state: &mut u64, depth: u8) -> Condition {
    let draw = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % 10
    };
    let parts = |state: &mut u64| (0..=draw(state) % 4).map(|_| drawn(state, depth - 1)).collect();
    match draw(state) {
        _ if depth == 0 => leaf(),
        0..=2 => Condition::All(parts(state)),
        3..=5 => Condition::Any(parts(state)),
        6 | 7 => Condition::Not(Box::new(drawn(state, depth - 1))),
        8 => Condition::Always,
        _ => leaf(),
    }
}

fn agrees(condition: &Condition, seed: u64) {
    let mut count = 0;
    condition.each_leaf(&mut |_| count += 1);
    let first = usize::try_from(seed).expect("small") % (LEAVES_MAX + 1 - count.min(LEAVES_MAX));
    let junction = Junction::of(condition, first);
    let mut state = seed;
    for _ in 0..32 {
        let mut outcomes = Outcomes::default();
        outcomes.0.fill_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        });
        let mut each = (first..first + count).map(|at| outcomes.0[at / BITS] >> (at % BITS) & 1 == 1);
        let expected = tree(condition, &mut each);
        assert_eq!(junction.holds(&outcomes), expected, "{condition} {outcomes:?}");
        let plain = junction.plain().map(|plain| plain.holds(&outcomes));
        assert!(plain.is_none_or(|plain| plain == expected), "{condition} {outcomes:?}");
    }
}

#[test]
fn masks_say_what_the_tree_says() {
    let mut state = 11;
    (0..500).for_each(|seed| agrees(&drawn(&mut state, 4), seed));
}

#[test]
fn a_rule_may_have_more_conditions_than_a_word_has_bits() {
    for (count, seed) in [(63, 1), (64, 2), (65, 3), (LEAVES_MAX, 4)] {
        let leaves = || (0..count).map(|_| leaf()).collect::<Vec<_>>();
        agrees(&Condition::All(leaves()), seed);
        agrees(&Condition::Any(leaves()), seed);
        let mut last = Outcomes([u64::MAX; 4]);
        let all = Junction::of(&Condition::All(leaves()), 0);
        assert!(all.holds(&last));
        last.0[(count - 1) / BITS] ^= 1 << ((count - 1) % BITS);
        assert!(!all.holds(&last), "the last of {count} counts");
    }
}

#[test]
fn outcomes_are_written_lowest_first() {
    for bits in 0..=u8::MAX {
        let expected: Vec<u8> = (0..8).map(|at| b'0' + (bits >> at & 1)).collect();
        assert_eq!(digits(bits).to_vec(), expected, "{bits:#b}");
    }
    let outcomes = Outcomes([0b1011, 1, 0, 1 << 63]);
    for places in [0, 1, 7, 8, 9, 64, 65, LEAVES_MAX] {
        let mut written = b"1".to_vec();
        outcomes.write(places, &mut written);
        let bit = |at: usize| outcomes.0[at / BITS] >> (at % BITS) & 1;
        let expected: String = (0..places).map(|at| if bit(at) == 1 { '1' } else { '0' }).collect();
        assert_eq!(String::from_utf8(written), Ok(format!("1{expected}")));
    }
}
