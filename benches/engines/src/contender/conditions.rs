//! The rules as conditions one by one, for engines that evaluate each of them and note how it came out.

use std::ops::Range;

/// A rule whose conditions stand apart.
pub(super) struct Apart {
    /// The rule's name.
    pub(super) name: &'static str,
    /// The places of its conditions among those of all rules.
    pub(super) conditions: Range<usize>,
    parts: Vec<Part>,
}

/// How a condition counts in its rule.
struct Part {
    /// Whether it begins a new member of the rule's `and`; else it is one more of that member's `or`.
    is_new: bool,
    /// What its outcome must be.
    wanted: bool,
}

/// Reads a file of conditions: gives the rules, and the text of every condition.
pub(super) fn read(file: &'static str) -> (Vec<Apart>, Vec<&'static str>) {
    let (mut rules, mut texts): (Vec<Apart>, Vec<&'static str>) = (Vec::new(), Vec::new());
    for line in file.lines().filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("# ") {
            rules.push(Apart { name, conditions: texts.len()..texts.len(), parts: Vec::new() });
        } else if let Some(rule) = rules.last_mut() {
            let (is_new, rest) = line.strip_prefix("| ").map_or((true, line), |rest| (false, rest));
            let (wanted, text) = rest.strip_prefix("! ").map_or((true, rest), |text| (false, text));
            rule.parts.push(Part { is_new, wanted });
            texts.push(text);
            rule.conditions.end = texts.len();
        }
    }
    (rules, texts)
}

impl Apart {
    /// Whether the rule holds, when its conditions came out so: `0` or `1` each.
    pub(super) fn holds(&self, outcomes: &[u8]) -> bool {
        let (mut all, mut any) = (true, true);
        for (part, outcome) in self.parts.iter().zip(outcomes) {
            let fits = (*outcome == b'1') == part.wanted;
            if part.is_new {
                all &= any;
                any = fits;
            } else {
                any |= fits;
            }
        }
        all & any
    }
}

/// The first rule that holds, and the outcomes up to its last condition: what Doorstep records, when all conditions of all
/// rules are known.
pub(super) fn first<'r>(rules: &'r [Apart], outcomes: &'r str) -> (Option<&'r str>, &'r str) {
    let held = rules.iter().find(|rule| {
        outcomes.as_bytes().get(rule.conditions.clone()).is_some_and(|outcomes| rule.holds(outcomes))
    });
    let end = held.map_or(outcomes.len(), |rule| rule.conditions.end);
    (held.map(|rule| rule.name), outcomes.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_join_as_they_are_marked() {
        let (rules, texts) = read("// c\n# r\na\n| b\n! c\n# s\nd\n");
        assert_eq!(texts, ["a", "b", "c", "d"]);
        let held = |outcomes| first(&rules, outcomes);
        assert_eq!(held("1000"), (Some("r"), "100"));
        assert_eq!(held("0101"), (Some("r"), "010"));
        assert_eq!(held("0111"), (Some("s"), "0111"));
        assert_eq!(held("0010"), (None, "0010"));
    }
}
