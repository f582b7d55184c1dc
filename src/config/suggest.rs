//! What a misspelt key was probably meant to be.

use super::options;

/// The option whose key is nearest to `key`, if one is near enough to be meant.
///
/// A key that differs only in case or separators, then the last part alone (`bind` for `server.bind`), then at most a
/// fourth of its letters changed, left out, added or swapped with the next.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    let keys = || options::all().map(super::option::AnyOption::key);
    let last = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let spelt_alike = keys().find(|known| plain(known) == plain(key));
    spelt_alike.or_else(|| keys().find(|known| last(known) == last_of(key))).or_else(|| {
        let distance_of = |known: &'static str| {
            let target = if key.contains('.') { known } else { last(known) };
            (distance(&plain(key), &plain(target)), known)
        };
        let (distance, known) = keys().map(distance_of).min_by_key(|(distance, _)| *distance)?;
        (distance <= (key.chars().count() / 4).max(1)).then_some(known)
    })
}

fn last_of(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn plain(key: &str) -> String {
    key.to_lowercase().replace(['_', '-', '"'], ".")
}

/// How many letters must change, go, come or swap with the next to make `left` out of `right`.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, letter) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&last, column) + usize::from(letter != *other);
            let gone_or_come = at(&last, column + 1).min(at(&current, column)) + 1;
            let mut best = replaced.min(gone_or_come);
            let before = column.checked_sub(1);
            if previous == Some(*other) && before.and_then(|before| right.get(before)) == Some(&letter) {
                best = best.min(at(&before_last, column - 1).saturating_add(1));
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_the_option() {
        let expected = [
            ("server.bnid", Some("server.bind")),
            ("sevrer.bind", Some("server.bind")),
            ("Server.Bind", Some("server.bind")),
            ("server_bind", Some("server.bind")),
            ("\"server.bind\"", Some("server.bind")),
            ("bind", Some("server.bind")),
            ("bnid", Some("server.bind")),
            ("server.app_id", Some("prelude.app_id")),
            ("prelude.appid", Some("prelude.app_id")),
            ("tokens.notbefore_skew", Some("tokens.not_before_skew")),
            ("tokens.lifetime", None),
            ("x", None),
            ("", None),
        ];
        for (key, meant) in expected {
            assert_eq!(nearest(key), meant, "{key:?}");
        }
    }

    #[test]
    fn distances_count_letters() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }
}
