//! "Did you mean …?": the nearest known name to a wrong one.

/// The most characters of a name that are compared; no name of the language is longer.
const COMPARED_CHARS_MAX: usize = 64;
/// The most names that a message lists.
const LISTED_MAX: usize = 12;

/// Says which known name is meant, or lists those that there are.
pub(crate) fn did_you_mean<S: AsRef<str>>(wrong: &str, known: &[S]) -> String {
    if let Some(near) = nearest(wrong, known) {
        return format!("did you mean `{near}`?");
    }
    let listed: Vec<_> = known.iter().take(LISTED_MAX).map(|name| format!("`{}`", name.as_ref())).collect();
    match listed.as_slice() {
        [] => "there is none to choose from".to_owned(),
        [only] => format!("only {only} is known here"),
        _ if known.len() > LISTED_MAX => {
            format!("known here: {} and {} more", listed.join(", "), known.len() - LISTED_MAX)
        }
        _ => format!("known here: {}", listed.join(", ")),
    }
}

/// The known name with the fewest typing slips between it and the wrong one, if they are few.
///
/// Another case, and a name without its prefix (`amount` for `metadata.amount`), count as one slip.
pub(crate) fn nearest<'k, S: AsRef<str>>(wrong: &str, known: &'k [S]) -> Option<&'k str> {
    known
        .iter()
        .map(|name| (distance_with_habits(wrong, name.as_ref()), name.as_ref()))
        .filter(|(distance, name)| *distance <= allowed(wrong, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many slips still leave a name recognisable. What both names begin with up to the last dot does not count: of
/// `metadata.a` and `metadata.c`, everything that matters differs.
fn allowed(wrong: &str, known: &str) -> usize {
    let prefix = known.rfind('.').and_then(|dot| known.get(..=dot)).unwrap_or_default();
    let letters = wrong.strip_prefix(prefix).unwrap_or(wrong).chars().count();
    if wrong.eq_ignore_ascii_case(known) { 1 } else { (letters / 3).min(3) }
}

fn distance_with_habits(wrong: &str, known: &str) -> usize {
    let tail = known.rsplit_once('.').map_or(known, |(_, tail)| tail);
    if wrong.eq_ignore_ascii_case(known) || wrong.eq_ignore_ascii_case(tail) {
        return 1;
    }
    let whole = distance(wrong, known);
    if tail.chars().count() > 3 { whole.min(distance(wrong, tail) + 1) } else { whole }
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(COMPARED_CHARS_MAX).collect();
    let b: Vec<char> = b.chars().take(COMPARED_CHARS_MAX).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let swapped = i > 0 && j > 0 && b.get(j - 1) == Some(&from) && a.get(i - 1) == Some(&to);
            let swap = if swapped { at(&before, j - 1) + 1 } else { usize::MAX / 2 };
            let replace = at(&last, j) + usize::from(from != to);
            row.push(swap.min(replace).min(at(&last, j + 1) + 1).min(at(&row, j) + 1));
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let fields = ["metadata.amount", "metadata.currency", "signals.ip", "user_id"];
        let cases = [
            ("metadata.amonut", "did you mean `metadata.amount`?"),
            ("amount", "did you mean `metadata.amount`?"),
            ("metadata.curency", "did you mean `metadata.currency`?"),
            ("Signals.IP", "did you mean `signals.ip`?"),
            ("Metadata.Amount", "did you mean `metadata.amount`?"),
            ("userid", "did you mean `user_id`?"),
            ("history", "known here: `metadata.amount`, `metadata.currency`, `signals.ip`, `user_id`"),
        ];
        for (wrong, expected) in cases {
            assert_eq!(did_you_mean(wrong, &fields), expected, "{wrong}");
        }
        assert_eq!(did_you_mean("metadata.c", &["metadata.a"]), "only `metadata.a` is known here");
        assert_eq!(did_you_mean("x", &["block"]), "only `block` is known here");
        assert_eq!(did_you_mean::<&str>("x", &[]), "there is none to choose from");
    }

    #[test]
    fn distances_count_slips() {
        for (a, b, expected) in [("", "", 0), ("ab", "ba", 1), ("kitten", "sitting", 3), ("a", "", 1)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
