//! Tables of what Prelude holds, and what is planned for it.

use super::*;

const BASE: &str = "https://doorstep.example/up";
const HOOK: &str = "https://doorstep.example/up/hooks/stepup";
const JWKS: &str = "https://doorstep.example/up/.well-known/jwks.json";

fn wanted() -> Wanted {
    let text = str::to_owned;
    Wanted {
        base_url: text(BASE),
        scopes: vec![text("profile:write"), text("transfer:write")],
        steps: vec![(text("kyc_review"), text("Identity check"))],
        shape: ConfigShape::PerScope,
        old_steps: OldSteps::Stay,
        other_key_set: OtherKeySet::Stays,
    }
}

fn older() -> Wanted {
    Wanted { shape: ConfigShape::OneHook, ..wanted() }
}

fn held(config: Value) -> Held {
    let Value::Object(config) = config else { panic!("an object") };
    Held { scopes: Some(vec!["profile:write".to_owned(), "transfer:write".to_owned()]), config: Some(config) }
}

fn ours(scope: &str) -> Value {
    json!({ "scope": scope, "mode": "delegated", "delegated": { "delegation_hook": HOOK } })
}

fn whole() -> Value {
    json!({
        "jwks_url": JWKS, "step_keys": [{ "key": "kyc_review", "description": "Identity check" }],
        "allowed_scopes": [ours("profile:write"), ours("transfer:write")],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn set(mut config: Value, part: &str, value: Value) -> Value {
    config[part] = value;
    config
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.lines.iter().map(|line| format!("{} {} {}", line.sign.as_str(), line.part, line.words)).collect()
}

/// What is sent; and after it nothing is left to do.
fn sent(held: &Held, wanted: &Wanted) -> Option<Value> {
    let planned = plan(held, wanted).expect("a plan");
    let change = planned.change?;
    let (ConfigChange::Create(config) | ConfigChange::Replace(config)) = change;
    let mut scopes = held.scopes.clone().unwrap_or_default();
    scopes.extend(planned.new_scopes);
    let after = Held { scopes: Some(scopes), config: Some(config.clone()) };
    let again = plan(&after, wanted).expect("a plan");
    assert_eq!((lines(&again), again.change), (vec![], None), "planning again finds nothing");
    Some(Value::Object(config))
}

#[test]
fn nothing_becomes_everything() {
    let nothing = Held { scopes: Some(vec![]), config: None };
    let planned = plan(&nothing, &wanted()).expect("a plan");
    assert_eq!(
        lines(&planned),
        [
            "+ scopes profile:write".to_owned(),
            "+ scopes transfer:write".to_owned(),
            format!("+ jwks_url {JWKS}"),
            "+ step_keys kyc_review: Identity check".to_owned(),
            format!("+ allowed_scopes profile:write: delegated to {HOOK}"),
            format!("+ allowed_scopes transfer:write: delegated to {HOOK}"),
        ]
    );
    assert!(matches!(planned.change, Some(ConfigChange::Create(_))));
    let mut expected = whole();
    for written in WRITTEN_BY_PRELUDE {
        expected.as_object_mut().expect("an object").remove(written);
    }
    assert_eq!(sent(&nothing, &wanted()), Some(expected));
    let older_sent = sent(&nothing, &older()).expect("something");
    assert_eq!(
        (&older_sent["signal_hook_url"], &older_sent["allowed_scopes"]),
        (&json!(HOOK), &json!(["profile:write", "transfer:write"]))
    );
}

#[test]
fn what_agrees_is_left_alone_in_either_shape() {
    assert_eq!(plan(&held(whole()), &wanted()).expect("a plan"), Plan::default());
    let in_older = set(
        set(whole(), "signal_hook_url", json!(HOOK)),
        "allowed_scopes",
        json!(["transfer:write", "profile:write"]),
    );
    assert_eq!(plan(&held(in_older), &older()).expect("a plan"), Plan::default());
    // Where scopes cannot be listed, those that are allowed exist.
    let unlisted = Held { scopes: None, ..held(whole()) };
    assert_eq!(plan(&unlisted, &wanted()).expect("a plan"), Plan::default());
}

#[test]
fn only_ours_is_changed_and_everything_else_comes_out_as_it_went_in() {
    let direct = json!({ "scope": "a:b", "mode": "direct", "direct": { "identifier_types": ["phone_number"], "granted_for": 60, "steps": [], "new": 1 } });
    let managed = json!({ "scope": "prld:phone:register", "mode": "managed", "later": { "x": null } });
    let others = json!({ "scope": "c:d", "mode": "delegated", "delegated": { "delegation_hook": "https://doorstep.example/upper/hooks/stepup" } });
    let unknown = json!({ "scope": "e:f", "mode": "oracle", "oracle": {} });
    let moved = json!({ "scope": "transfer:write", "mode": "delegated", "delegated": { "delegation_hook": "https://doorstep.example/up/old", "timeout": 3 }, "note": "n" });
    let gone = ours("gone:write");
    let config = json!({
        "jwks_url": JWKS, "future": { "a": [1] },
        "step_keys": [{ "key": "face", "description": "Theirs", "icon": "f" }, { "key": "kyc_review", "description": "Old", "icon": "k" }],
        "allowed_scopes": [direct, moved, managed, gone, others, unknown],
    });
    let planned = plan(&held(config.clone()), &wanted()).expect("a plan");
    assert_eq!(
        lines(&planned),
        [
            r#"~ step_keys kyc_review: "Old" -> "Identity check""#.to_owned(),
            format!("~ allowed_scopes transfer:write: https://doorstep.example/up/old -> {HOOK}"),
            "- allowed_scopes gone:write: the bundle does not cover it".to_owned(),
            format!("+ allowed_scopes profile:write: delegated to {HOOK}"),
        ]
    );
    assert_eq!(planned.notes, ["step_keys: face is not in the bundle and stays (--prune-steps)"]);
    let mut here = moved;
    here["delegated"]["delegation_hook"] = json!(HOOK);
    let expected = json!({
        "jwks_url": JWKS, "future": { "a": [1] },
        "step_keys": [{ "key": "face", "description": "Theirs", "icon": "f" }, { "key": "kyc_review", "description": "Identity check", "icon": "k" }],
        "allowed_scopes": [direct, here, managed, others, unknown, ours("profile:write")],
    });
    assert_eq!(sent(&held(config.clone()), &wanted()), Some(expected));
    let pruning = Wanted { old_steps: OldSteps::Go, ..wanted() };
    let sent = sent(&held(config), &pruning).expect("something");
    assert_eq!(sent["step_keys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_scope_of_ours_that_somebody_else_decides_about_stays_theirs() {
    let theirs = json!({ "scope": "transfer:write", "mode": "direct", "direct": { "granted_for": 60 } });
    let config = set(whole(), "allowed_scopes", json!([ours("profile:write"), theirs]));
    let planned = plan(&held(config), &wanted()).expect("a plan");
    assert_eq!((lines(&planned), planned.change), (vec![], None));
    assert!(
        planned.notes[0].starts_with("allowed_scopes: transfer:write is not delegated"),
        "{:?}",
        planned.notes
    );
}

#[test]
fn a_scope_that_stands_twice_for_us_stands_once_then() {
    let entries = json!([ours("transfer:write"), ours("profile:write"), ours("transfer:write")]);
    let sent = sent(&held(set(whole(), "allowed_scopes", entries)), &wanted()).expect("something");
    assert_eq!(sent["allowed_scopes"], json!([ours("transfer:write"), ours("profile:write")]));
}

#[test]
fn what_prelude_decides_by_itself_is_not_delegated() {
    let scopes = vec!["prld:phone:register".to_owned(), "prld:pwd:write".to_owned()];
    let nothing = Held { scopes: Some(vec![]), config: None };
    let planned = plan(&nothing, &Wanted { scopes, ..wanted() }).expect("a plan");
    assert_eq!(planned.new_scopes, ["prld:pwd:write"]);
    assert_eq!(planned.notes.len(), 1);
}

#[test]
fn the_shape_is_changed_with_what_it_says() {
    let in_older = |hook: &str| {
        set(set(whole(), "signal_hook_url", json!(hook)), "allowed_scopes", json!(["transfer:write", "x:y"]))
    };
    let ours_before = sent(&held(in_older(HOOK)), &wanted()).expect("something");
    assert_eq!(ours_before["allowed_scopes"], json!([ours("transfer:write"), ours("profile:write")]));
    assert_eq!(ours_before.get("signal_hook_url"), None);
    let theirs = "https://other.example/hook";
    let theirs_before = sent(&held(in_older(theirs)), &wanted()).expect("something");
    let delegated = |scope: &str| json!({ "scope": scope, "mode": "delegated", "delegated": { "delegation_hook": theirs } });
    assert_eq!(
        theirs_before["allowed_scopes"],
        json!([delegated("transfer:write"), delegated("x:y"), ours("profile:write")])
    );
    let back = sent(&held(whole()), &older()).expect("something");
    assert_eq!(back["allowed_scopes"], json!(["profile:write", "transfer:write"]));
}

#[test]
fn what_would_take_something_from_somebody_else_is_no_plan() {
    let refused = |config: Value, wanted: &Wanted| plan(&held(config), wanted).expect_err("an obstacle");
    let other = "https://other.example/jwks.json";
    let with_other_keys = set(whole(), "jwks_url", json!(other));
    assert_eq!(refused(with_other_keys.clone(), &wanted()), PlanObstacle::OtherKeySet(other.to_owned()));
    let taking = Wanted { other_key_set: OtherKeySet::Replaced, ..wanted() };
    let taken = plan(&held(with_other_keys), &taking).expect("a plan");
    assert_eq!(lines(&taken), [format!("~ jwks_url {other} -> {JWKS}")]);
    let in_older = set(set(whole(), "signal_hook_url", json!(other)), "allowed_scopes", json!([]));
    assert_eq!(refused(in_older, &older()), PlanObstacle::OtherHook(other.to_owned()));
    let direct = json!([{ "scope": "a:b", "mode": "direct", "direct": {} }]);
    assert_eq!(
        refused(set(whole(), "allowed_scopes", direct), &older()),
        PlanObstacle::NotSayable("a:b".to_owned())
    );
    for (part, value) in [
        ("jwks_url", json!(7)),
        ("step_keys", json!({})),
        ("step_keys", json!([{}])),
        ("allowed_scopes", json!({})),
        ("allowed_scopes", json!(["a:b"])),
        ("allowed_scopes", json!([{ "mode": "managed" }])),
        ("signal_hook_url", json!([])),
    ] {
        let fault = refused(set(whole(), part, value.clone()), &wanted());
        assert!(matches!(fault, PlanObstacle::Unreadable(_)), "{part} {value}: {fault}");
    }
}

#[test]
fn an_address_that_only_begins_like_ours_is_not_ours() {
    for (url, expected) in [
        (BASE, false),
        ("https://doorstep.example/up/", true),
        (HOOK, true),
        ("https://doorstep.example/upper/hooks/stepup", false),
        ("https://doorstep.example/", false),
        ("https://doorstep.example.evil/up/hooks/stepup", false),
        ("http://doorstep.example/up/hooks/stepup", false),
    ] {
        assert_eq!(wanted().is_ours(url), expected, "{url}");
    }
}
