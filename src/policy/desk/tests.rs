//! The desk's word over the lists of the samples, in tables.

use super::*;
use crate::domain::{
    Actor, DeskAct, DeskDeed, DeskFault, EntryFault, Facts, GivenReason, History, Left, Pause, Reason, Said,
    UserId,
};
use crate::policy::sample::{Asking, NEXT_DAY, bundle, line, request, scope_bundle, with_lists};

mod plans;

/// Every use of a list, each with a rule of its own.
pub(super) const RULES: &str = "scopes: [a:b, a:c]
metadata:
  payee: { type: string, normalise: [upper], optional: true }
rules:
  - { id: user, when: { user_id: { in_list: users } }, then: block }
  - { id: net, when: { signals.ip: { in_list: nets } }, then: block }
  - { id: wide, when: { signals.ip: { mapped_by: { list: zones, eq: wide } } }, then: block }
  - { id: rest, when: { signals.ip: { mapped_by: { list: zones, in: [narrow, six] } } }, then: block }
  - { id: payee, when: { metadata.payee: { in_list: payees } }, if_absent: no_match, then: block }
  - { id: app, when: { signals.platform: { in_list: apps } }, then: block }
  - { id: reach, when: { identifiers.any: { in_list: reach } }, then: block }
otherwise: block
";

pub(super) fn said(at: Timestamp) -> Said {
    let reason = GivenReason::new("case 4711").expect("a reason");
    Said { by: Actor::CommandLine("jane".into()), reason, at }
}

pub(super) fn list(name: &str) -> ListName {
    ListName::new(name).expect("a name")
}

pub(super) fn entry(name: &str, effect: Effect, value: &str, until: Option<Timestamp>) -> DeskEntry {
    let at = Timestamp::from_unix_seconds(1_789_000_000);
    DeskEntry { list: list(name), value: value.into(), effect, until, said: said(at) }
}

pub(super) fn desk(entries: &[DeskEntry]) -> Desk {
    Desk { revision: DeskRevision::new(7), entries: entries.to_vec(), pauses: Vec::new() }
}

/// The rule that decides when the desk says this.
fn decided(entries: &[DeskEntry], facts: &Facts) -> String {
    let bundle = scope_bundle(RULES);
    let overlay = bundle.compile_desk(&desk(entries)).unwrap_or_else(|misfits| panic!("{misfits}"));
    let decision = bundle.decide_both_ways(facts, &overlay, &History::none());
    assert_eq!(decision.desk, DeskRevision::new(7));
    decision.rule.map_or_else(|| "-".to_owned(), |rule| rule.to_string())
}

fn user(id: &str) -> Facts {
    Facts { user_id: UserId::new(id).expect("an id"), ..request("a:b") }
}

fn at_ip(ip: &str) -> Facts {
    request("a:b").with_ip(ip)
}

fn later(facts: Facts) -> Facts {
    Facts { received_at: NEXT_DAY, ..facts }
}

const ADDED: Effect = Effect::Added;
const REMOVED: Effect = Effect::Removed;

#[test]
fn what_is_added_counts_until_its_end() {
    let cases = [
        ("users", "usr_x", user("usr_x"), "user"),
        ("nets", "203.0.113.0/24", at_ip("203.0.113.9"), "net"),
        ("nets", "203.0.113.9", at_ip("::ffff:203.0.113.9"), "net"),
        ("nets", "2001:db9::/32", at_ip("2001:db9::1"), "net"),
        ("zones", "203.0.113.0/24,wide", at_ip("203.0.113.9"), "wide"),
        ("zones", "2001:db9::/32,six", at_ip("2001:db9::1"), "rest"),
        ("payees", "AB1", request("a:b").with_metadata(&[("payee", "ab1")]), "payee"),
        ("apps", "WEB", request("a:b"), "app"),
        (
            "reach",
            "user@example.com",
            request("a:b").with_identifier("email_address", "User@Example.com"),
            "reach",
        ),
    ];
    for (name, value, facts, rule) in cases {
        let forever = entry(name, ADDED, value, None);
        let ending = entry(name, ADDED, value, Some(NEXT_DAY));
        assert_eq!(decided(&[], &facts), "-", "{name} without {value}");
        assert_eq!(decided(std::slice::from_ref(&forever), &facts), rule, "{name} {value}");
        assert_eq!(decided(std::slice::from_ref(&ending), &facts), rule, "{name} {value} before its end");
        assert_eq!(decided(&[ending], &later(facts.clone())), "-", "{name} {value} at its end");
        assert_eq!(decided(&[forever], &later(facts)), rule, "{name} {value} later");
    }
    assert_eq!(decided(&[entry("nets", ADDED, "203.0.113.0/24", None)], &at_ip("203.0.114.0")), "-");
}

#[test]
fn what_is_removed_hides_the_files_entry_of_exactly_that_value() {
    let cases = [
        ("users", "usr_a", user("usr_a"), "-"),
        ("users", "usr_A", user("usr_a"), "user"),
        // The range around it, and the one inside, stay.
        ("nets", "198.51.100.0/24", at_ip("198.51.100.200"), "wide"),
        ("nets", "198.51.100.0/24", at_ip("198.51.100.1"), "net"),
        ("nets", "198.51.100.0/25", at_ip("198.51.100.1"), "net"),
        ("nets", "198.51.100.0/26", at_ip("198.51.100.1"), "net"),
        ("nets", "2001:db8::/32", at_ip("2001:db8::1"), "rest"),
        ("payees", "FR1", request("a:b").with_metadata(&[("payee", "fr1")]), "-"),
        ("apps", "IOS", request("a:b").with_platform("IOS"), "-"),
        ("reach", "+33612345678", request("a:b").with_phone(), "-"),
    ];
    for (name, value, facts, rule) in cases {
        assert_eq!(decided(&[entry(name, REMOVED, value, None)], &facts), rule, "{name} without {value}");
        let ended = entry(name, REMOVED, value, Some(facts.received_at));
        assert_eq!(decided(&[ended], &facts), decided(&[], &facts), "{name} {value} again");
    }
}

#[test]
fn in_a_mapping_list_the_smallest_range_decides_whoever_said_it() {
    let nets = ["198.51.100.0/24", "198.51.100.0/25"].map(|net| entry("nets", REMOVED, net, None));
    let with = |more: &[DeskEntry]| [nets.as_slice(), more].concat();
    let zone = |effect, value: &str| entry("zones", effect, value, None);
    let cases = [
        (vec![], "198.51.100.1", "rest"),
        (vec![], "198.51.100.200", "wide"),
        (vec![zone(REMOVED, "198.51.100.0/25,narrow")], "198.51.100.1", "wide"),
        // The file gives this range another value, which stays.
        (vec![zone(REMOVED, "198.51.100.0/25,wide")], "198.51.100.1", "rest"),
        (vec![zone(REMOVED, "198.51.100.0/24,wide")], "198.51.100.200", "-"),
        (vec![zone(REMOVED, "198.51.100.0/24,wide")], "198.51.100.1", "rest"),
        (vec![zone(ADDED, "198.51.100.0/25,wide")], "198.51.100.1", "wide"),
        (vec![zone(ADDED, "198.51.0.0/16,wide")], "198.51.100.1", "rest"),
        (vec![zone(ADDED, "198.51.0.0/16,narrow")], "198.51.7.1", "rest"),
        (vec![zone(ADDED, "198.51.100.192/26,narrow")], "198.51.100.200", "rest"),
        (
            vec![zone(ADDED, "198.51.100.192/26,narrow"), zone(ADDED, "198.51.100.200,wide")],
            "198.51.100.200",
            "wide",
        ),
        (
            vec![zone(REMOVED, "198.51.100.0/24,wide"), zone(ADDED, "198.51.100.0/24,six")],
            "198.51.100.200",
            "rest",
        ),
    ];
    for (entries, ip, rule) in cases {
        assert_eq!(decided(&with(&entries), &at_ip(ip)), rule, "{entries:?} {ip}");
    }
}

#[test]
fn a_paused_scope_is_blocked_before_its_metadata_is_looked_at() {
    let bundle = scope_bundle(RULES);
    let pause = |scope: &str, until| Pause {
        scope: Scope::new(scope).expect("a scope"),
        until,
        said: said(NEXT_DAY),
    };
    let pauses = vec![pause("z:z", None), pause("a:c", Some(NEXT_DAY)), pause("a:b", None)];
    let overlay = bundle.compile_desk(&Desk { pauses, ..desk(&[]) }).expect("fits");
    let unfit = |scope: &str| request(scope).with_metadata(&[("other", "x")]);
    let cases = [
        (unfit("a:b"), "block / - / scope_paused"),
        (later(unfit("a:b")), "block / - / scope_paused"),
        (unfit("a:c"), "block / - / scope_paused"),
        (later(unfit("a:c")), "block / - / metadata: a field that this scope does not have"),
        (request("z:z"), "block / - / scope_not_covered"),
    ];
    for (facts, expected) in cases {
        assert_eq!(line(&bundle.decide_both_ways(&facts, &overlay, &History::none())), expected, "{facts:?}");
    }
    let decision = bundle.decide_both_ways(&request("a:b"), &overlay, &History::none());
    assert_eq!((decision.reason.clone(), decision.desk), (Reason::ScopePaused, DeskRevision::new(7)));
    let explained = bundle.explain_decision(&request("a:b"), &decision).expect("explained");
    assert_eq!(explained.to_string(), "verdict  block\nrule     -\nreason   scope_paused");
}

#[test]
fn entries_that_have_no_place_are_told_by_list_and_never_by_value() {
    let bundle = scope_bundle(RULES);
    let entries = [
        entry("users", ADDED, "usr_x", None),
        entry("gone", ADDED, "usr_secret", None),
        entry("gone", REMOVED, "usr_hidden", None),
        entry("notes", ADDED, "text_nobody", None),
        entry("nets", ADDED, "usr_secret", None),
        entry("zones", ADDED, "198.51.100.0/24,unheard", None),
        entry("apps", ADDED, "AMIGA", None),
    ];
    let misfits = bundle.compile_desk(&desk(&entries)).expect_err("misfits").to_string();
    for says in [
        "list `gone`, 2 entries of the fraud desk: the policy has no such list",
        "list `notes`, 1 entry of the fraud desk: no rule looks into this list",
        "list `nets`, 1 entry",
        "list `zones`, 1 entry of the fraud desk: neither a rule",
        "list `apps`, 1 entry of the fraud desk: an entry of this list is a platform",
        "`doorstep lists remove NAME VALUE --reason …`",
    ] {
        assert!(misfits.contains(says), "{says}\n{misfits}");
    }
    for value in ["secret", "hidden", "nobody", "unheard", "AMIGA", "usr_x"] {
        assert!(!misfits.contains(value), "{misfits}");
    }
    // An instance with another bundle goes on with what has a place in its own.
    let (overlay, left_out) = bundle.compile_desk_as_far_as_it_fits(&desk(&entries));
    assert!(!left_out.is_empty());
    assert_eq!(
        line(&bundle.decide_both_ways(&user("usr_x"), &overlay, &History::none())),
        "block / user / rule_matched"
    );
    assert_eq!(
        line(&bundle.decide_both_ways(&at_ip("203.0.113.1"), &overlay, &History::none())),
        "block / - / otherwise"
    );
}

/// What stands in one list, empty in its file, used so.
fn empty_list(test: &str, value: &str) -> Result<String, EntryFault> {
    let text = format!(
        "scopes: [a:b]\nrules:\n  - {{ id: r, when: {{ {test} }}, then: block }}\notherwise: block\n"
    );
    let mut files = with_lists(&text);
    files.push(("lists/none.txt", "# nothing yet\n"));
    bundle(&files).known(&list("none")).and_then(|known| known.read(value)).map(|entry| entry.to_string())
}

#[test]
fn an_empty_list_takes_what_its_rules_compare_it_with() {
    let ip = "signals.ip: { in_list: none }";
    let zone = "signals.ip: { mapped_by: { list: none, in: [x, y] } }";
    let both = "signals.ip: { in_list: none }, user_id: { in_list: none }";
    let cases = [
        (ip, "198.51.100.7/32", Ok("198.51.100.7")),
        (ip, "2001:DB8:0::/32", Ok("2001:db8::/32")),
        (ip, "usr_1", Err(EntryFault::NoRange)),
        (zone, "198.51.100.0/24, y", Ok("198.51.100.0/24,y")),
        (zone, "198.51.100.0/24,z", Err(EntryFault::UnknownValue)),
        (zone, "198.51.100.0/24", Err(EntryFault::NoValue)),
        ("user_id: { in_list: none }", "  198.51.100.7 ", Ok("198.51.100.7")),
        (both, "198.51.100.7", Err(EntryFault::TwoKinds)),
        ("user_id: { eq: usr_1 }", "usr_1", Err(EntryFault::Unused)),
    ];
    for (test, value, expected) in cases {
        assert_eq!(empty_list(test, value), expected.map(str::to_owned), "{test} {value}");
    }
}

#[test]
fn entries_are_read_as_strictly_as_the_files() {
    let long = "u".repeat(513);
    let cases = [
        ("users", "", Err(EntryFault::Form)),
        ("users", "  ", Err(EntryFault::Form)),
        ("users", "a\nb", Err(EntryFault::Form)),
        ("users", "usr_1 # why", Err(EntryFault::Form)),
        ("users", "#usr_1", Err(EntryFault::Form)),
        ("users", "usr_1 until=2026-12-31", Err(EntryFault::Form)),
        ("users", "until=2026-12-31", Err(EntryFault::Form)),
        ("users", &long, Err(EntryFault::Form)),
        ("users", "John Smith", Ok("John Smith")),
        ("nets", "198.51.100.7/24", Err(EntryFault::HostBits)),
        ("nets", "::ffff:192.0.2.0/120", Err(EntryFault::Clothes)),
        ("nets", "198.51.100.0/24,wide", Err(EntryFault::NoRange)),
        ("payees", "de12", Err(EntryFault::Misfit("a value of this field"))),
        ("apps", "ios", Err(EntryFault::Misfit("a platform"))),
        (
            "reach",
            "Boss@x.org",
            Err(EntryFault::Misfit("a phone number, or an e-mail address in small letters")),
        ),
        ("nowhere", "x", Err(EntryFault::UnknownList)),
    ];
    let bundle = scope_bundle(RULES);
    for (name, value, expected) in cases {
        let read =
            bundle.known(&list(name)).and_then(|known| known.read(value)).map(|entry| entry.to_string());
        assert_eq!(read, expected.map(str::to_owned), "{name} {value}");
    }
}
