//! The scopes that users hold, from the refresh that granted them until they end.

use super::answer::Mode;
use super::challenge::Granted;

/// Grants that reach further than one access token.
#[derive(Debug, Default)]
pub(super) struct Grants(Vec<Granted>);

/// Which scopes an access token carries, and until when at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// Sorted, each once.
    pub(super) scopes: Vec<String>,
    /// When the first of them ends, Unix seconds.
    pub(super) first_end: Option<i64>,
}

impl Grants {
    /// What the next access token of a session carries: what is still held, and what was granted just now. A single use
    /// is in that token and in no other.
    pub(super) fn carry(
        &mut self,
        (user_id, session_id): (&str, &str),
        granted: Option<Granted>,
        now: i64,
    ) -> Carried {
        self.0.retain(|held| now < held.ends_at);
        let single_use = granted.and_then(|granted| match granted.mode {
            Mode::SingleUse => Some(granted),
            Mode::SessionBound | Mode::ProfileBound => {
                self.0.push(granted);
                None
            }
        });
        let reaches = |held: &&Granted| {
            held.user_id == user_id && (held.mode == Mode::ProfileBound || held.session_id == session_id)
        };
        let carried: Vec<&Granted> = self.0.iter().filter(reaches).chain(&single_use).collect();
        let mut scopes: Vec<String> = carried.iter().map(|held| held.scope.clone()).collect();
        scopes.sort();
        scopes.dedup();
        Carried { scopes, first_end: carried.iter().map(|held| held.ends_at).min() }
    }

    /// Forgets what was granted to one session: it has ended.
    pub(super) fn end_session(&mut self, session_id: &str) {
        self.0.retain(|held| held.mode == Mode::ProfileBound || held.session_id != session_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(scope: &str, mode: Mode, ends_at: i64) -> Granted {
        let (user_id, session_id) = ("usr_1".to_owned(), "ses_1".to_owned());
        Granted { user_id, session_id, scope: scope.to_owned(), mode, ends_at }
    }

    fn carried(grants: &mut Grants, whose: (&str, &str), granted: Option<Granted>, now: i64) -> Vec<String> {
        grants.carry(whose, granted, now).scopes
    }

    #[test]
    fn a_single_use_is_in_one_token() {
        let mut grants = Grants::default();
        let ours = ("usr_1", "ses_1");
        let once = grants.carry(ours, Some(granted("a", Mode::SingleUse, 100)), 0);
        assert_eq!(once, Carried { scopes: vec!["a".to_owned()], first_end: Some(100) });
        assert_eq!(grants.carry(ours, None, 0), Carried { scopes: Vec::new(), first_end: None });
    }

    #[test]
    fn others_are_in_every_token_they_reach_until_they_end() {
        let mut grants = Grants::default();
        let (ours, same_user, other) = (("usr_1", "ses_1"), ("usr_1", "ses_2"), ("usr_2", "ses_1"));
        assert_eq!(carried(&mut grants, ours, Some(granted("s", Mode::SessionBound, 100)), 0), ["s"]);
        assert_eq!(carried(&mut grants, ours, Some(granted("p", Mode::ProfileBound, 200)), 0), ["p", "s"]);
        assert_eq!(carried(&mut grants, ours, Some(granted("s", Mode::SessionBound, 300)), 0), ["p", "s"]);
        assert_eq!(carried(&mut grants, same_user, None, 99), ["p"]);
        assert_eq!(carried(&mut grants, other, None, 99), [""; 0]);
        assert_eq!(carried(&mut grants, ours, None, 200), ["s"], "the second grant lasts longer");
        assert_eq!(carried(&mut grants, ours, None, 300), [""; 0]);
    }

    #[test]
    fn what_was_granted_to_a_session_ends_with_it() {
        let mut grants = Grants::default();
        let ours = ("usr_1", "ses_1");
        carried(&mut grants, ours, Some(granted("s", Mode::SessionBound, 100)), 0);
        carried(&mut grants, ours, Some(granted("p", Mode::ProfileBound, 100)), 0);
        grants.end_session("ses_1");
        assert_eq!(carried(&mut grants, ours, None, 0), ["p"]);
    }
}
