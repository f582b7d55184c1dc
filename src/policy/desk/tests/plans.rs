//! What becomes of an action, and what lists show of it.

use super::*;
use crate::domain::DESK_ENTRIES_MAX;
use crate::policy::desk::EntryState;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);
/// When it is over, the file's `usr_b` has ended.
const MUCH_LATER: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn add(name: &str, value: &str) -> DeskDeed {
    DeskDeed::Add(list(name), value.into())
}

fn remove(name: &str, value: &str) -> DeskDeed {
    DeskDeed::Remove(list(name), value.into())
}

fn scope(name: &str) -> Scope {
    Scope::new(name).expect("a scope")
}

/// The value in its one spelling, and what is left.
fn planned(
    entries: &[DeskEntry],
    deed: DeskDeed,
    until: Option<Timestamp>,
) -> Result<(String, Left), DeskFault> {
    let act = DeskAct { deed, until, said: said(NOW) };
    let change = scope_bundle(RULES).plan(&desk(entries), act, NOW)?;
    assert_eq!((change.judged_at, change.act.until), (DeskRevision::new(7), until));
    Ok((change.act.deed.value().unwrap_or_default().to_owned(), change.leaves))
}

#[test]
fn a_removal_takes_back_or_hides() {
    let ended = Some(NOW);
    let not_listed = |near: Option<&str>| Err(DeskFault::NotListed { nearest: near.map(Into::into) });
    let own = |effect, value, until| vec![entry("users", effect, value, until)];
    let cases = [
        // The desk's own entry goes; the file's is hidden; of both, the file's is hidden.
        (own(ADDED, "usr_x", None), "usr_x", Ok(Left::Nothing)),
        (own(ADDED, "usr_x", ended), "usr_x", Ok(Left::Nothing)),
        (vec![], "usr_a", Ok(Left::Word)),
        (own(ADDED, "usr_a", None), "usr_a", Ok(Left::Word)),
        // Hidden already, unless that has ended.
        (own(REMOVED, "usr_a", None), "usr_a", not_listed(Some("usr_b"))),
        (own(REMOVED, "usr_a", ended), "usr_a", Ok(Left::Word)),
        // The file has it no more: what hid it can be taken back.
        (own(REMOVED, "gone_from_file", None), "gone_from_file", Ok(Left::Nothing)),
        (vec![], "nobody_of_that_name", not_listed(None)),
        (vec![], "usr_aa", not_listed(Some("usr_a"))),
    ];
    for (entries, value, expected) in cases {
        let found = planned(&entries, remove("users", value), None).map(|(_, left)| left);
        assert_eq!(found, expected, "{entries:?} {value}");
    }
}

#[test]
fn an_entry_can_be_taken_back_whatever_became_of_its_list() {
    let cases = [("gone", "usr_1"), ("nets", "usr_1"), ("notes", "x")];
    for (name, value) in cases {
        let entries = [entry(name, ADDED, value, None)];
        assert_eq!(
            planned(&entries, remove(name, value), None),
            Ok((value.to_owned(), Left::Nothing)),
            "{name}"
        );
        assert!(matches!(planned(&[], remove(name, value), None), Err(DeskFault::Entry(_))), "{name}");
    }
}

#[test]
fn values_are_written_in_one_way() {
    let cases = [
        (add("nets", " 203.0.113.7/32 "), "203.0.113.7"),
        (add("nets", "2001:0db8:0::/48"), "2001:db8::/48"),
        (add("zones", "203.0.113.7/32 , wide"), "203.0.113.7,wide"),
        (remove("nets", "198.51.100.0/25"), "198.51.100.0/25"),
        (remove("zones", "198.51.100.0/25, narrow"), "198.51.100.0/25,narrow"),
    ];
    for (deed, value) in cases {
        assert_eq!(planned(&[], deed, None), Ok((value.to_owned(), Left::Word)), "{value}");
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let clash = [entry("zones", ADDED, "203.0.113.0/24,wide", None)];
    let past_clash = [entry("zones", ADDED, "203.0.113.0/24,wide", Some(NOW))];
    let ahead = Some(MUCH_LATER);
    let narrow = || add("zones", "203.0.113.0/24,narrow");
    assert_eq!(planned(&clash, narrow(), None), Err(DeskFault::OtherValue));
    assert!(planned(&past_clash, narrow(), None).is_ok());
    assert!(planned(&clash, add("zones", "203.0.113.0/25,narrow"), None).is_ok());
    assert_eq!(planned(&[], add("users", "x"), Some(NOW)), Err(DeskFault::EndNotAhead));
    assert!(planned(&[], remove("users", "usr_a"), ahead).is_ok());
    let own = [entry("users", ADDED, "usr_x", None)];
    assert_eq!(planned(&own, remove("users", "usr_x"), ahead), Err(DeskFault::EndOfNothing));
    assert_eq!(planned(&[], DeskDeed::Pause(scope("z:z")), None), Err(DeskFault::ScopeNotCovered));
    assert_eq!(planned(&[], DeskDeed::Resume(scope("z:z")), None), Err(DeskFault::ScopeNotCovered));
    assert_eq!(planned(&[], DeskDeed::Resume(scope("a:b")), None), Err(DeskFault::NotPaused));
    let full: Vec<_> =
        (0..DESK_ENTRIES_MAX).map(|n| entry("users", ADDED, &format!("usr_{n}"), None)).collect();
    assert_eq!(planned(&full, add("users", "one_more"), None), Err(DeskFault::Full));
    assert_eq!(planned(&full, remove("users", "usr_a"), None), Err(DeskFault::Full));
    assert!(planned(&full, add("users", "usr_9"), None).is_ok(), "it is there already");
}

#[test]
fn a_pause_ends_by_itself_or_is_resumed() {
    let resume = |until| {
        let pauses = vec![Pause { scope: scope("z:z"), until, said: said(NOW) }];
        let act = DeskAct { deed: DeskDeed::Resume(scope("z:z")), until: None, said: said(NOW) };
        scope_bundle(RULES).plan(&Desk { pauses, ..desk(&[]) }, act, NOW).map(|change| change.leaves)
    };
    // Also one that the policy does not cover any more.
    assert_eq!(resume(None), Ok(Left::Nothing));
    assert_eq!(resume(Some(MUCH_LATER)), Ok(Left::Nothing));
    assert_eq!(resume(Some(NOW)), Err(DeskFault::NotPaused));
}

#[test]
fn lists_are_shown_with_what_became_of_each_entry() {
    let entries = [
        entry("users", ADDED, "usr_x", None),
        entry("users", ADDED, "usr_y", Some(NOW)),
        entry("users", REMOVED, "usr_a", None),
        entry("users", REMOVED, "usr_b", None),
        entry("gone", ADDED, "usr_1", None),
    ];
    let states = |at: Timestamp| {
        let (bundle, desk) = (scope_bundle(RULES), desk(&entries));
        let list = bundle.show_list(&desk, list("users"), at).expect("there");
        assert_eq!((list.kind, list.file_entries), (Some("texts"), Some(2)));
        list.entries.iter().map(|shown| shown.state.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(states(NOW), ["in_force", "ended", "in_force", "in_force"]);
    assert_eq!(states(MUCH_LATER), ["in_force", "ended", "in_force", "idle"]);
    let (bundle, desk) = (scope_bundle(RULES), desk(&entries));
    let shown = bundle.show_lists(&desk, NOW);
    let names: Vec<_> = shown.iter().map(|list| list.name.as_str()).collect();
    assert_eq!(names, ["apps", "gone", "nets", "notes", "payees", "reach", "users", "zones"]);
    let gone = shown.iter().find(|list| list.name.as_str() == "gone").expect("shown");
    assert_eq!((gone.kind, gone.file_entries), (None, None));
    assert_eq!(gone.entries[0].state, EntryState::Misfit(EntryFault::UnknownList));
    assert_eq!(bundle.show_list(&desk, list("nowhere"), NOW), None);
    let scopes = |name| bundle.scopes_of_list(name).into_iter().map(Scope::as_str).collect::<Vec<_>>();
    let mut users = scopes("users");
    users.sort_unstable();
    assert_eq!((users, scopes("notes")), (vec!["a:b", "a:c"], vec![]));
}
