//! The fraud desk acts, and the next call is decided by it, whichever server it reaches.

use doorstep::testing::{KeyWish, Style};
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, transfer};

impl Bench {
    async fn desk_key(&self, role: &str, scopes: &[&str]) -> String {
        let wish = KeyWish { roles: &[role], scopes, ..KeyWish::default() };
        self.server.create_api_key(&wish).await.expect("a key")
    }

    async fn add(&self, key: &str, list: &str, body: Value) -> Answer {
        self.ask_as(key, ("POST", &format!("/v1/lists/{list}/entries")), Some(body)).await
    }

    async fn remove(&self, key: &str, list: &str, body: Value) -> Answer {
        self.ask_as(key, ("POST", &format!("/v1/lists/{list}/removals")), Some(body)).await
    }

    async fn pause(&self, key: &str, scope: &str, body: Value) -> Answer {
        self.ask_as(key, ("PUT", &format!("/v1/scopes/{scope}/pause")), Some(body)).await
    }

    async fn resume(&self, key: &str, scope: &str, query: &str) -> Answer {
        self.ask_as(key, ("DELETE", &format!("/v1/scopes/{scope}/pause{query}")), None).await
    }

    /// The status of the verdict that a user's small transfer gets.
    async fn verdict(&self, user: &str) -> String {
        let answer = self.call(&transfer(user, "20")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["status"].as_str().expect("a status").to_owned()
    }
}

/// Asserts that something was done, and gives what was said of it.
fn done(answer: &Answer, status: u16) -> Value {
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (status, Some("no-store")),
        "{}",
        answer.text
    );
    answer.json()
}

fn why(value: &str) -> Value {
    json!({ "value": value, "reason": "case 4711" })
}

#[tokio::test]
async fn what_the_desk_does_through_one_server_decides_the_next_call_through_the_other() {
    let (here, there) = Bench::start().await.beside().await;
    let key = here.desk_key("desk", &[]).await;
    assert_eq!([here.verdict("usr_1").await, there.verdict("usr_1").await], ["continue", "continue"]);
    for round in 0..2 {
        let action = done(&here.add(&key, "frozen-users", why("usr_1")).await, 201);
        assert_eq!(action["revision"], json!(4 * round + 1));
        assert_eq!(there.verdict("usr_1").await, "block");
        assert_eq!(here.verdict("usr_1").await, "block");
        assert_eq!(there.verdict("usr_2").await, "continue");
        done(&there.remove(&key, "frozen-users", why("usr_1")).await, 201);
        assert_eq!(here.verdict("usr_1").await, "continue");
        done(&there.pause(&key, "transfer:write", json!({ "reason": "attack" })).await, 200);
        assert_eq!(here.verdict("usr_2").await, "block");
        done(&here.resume(&key, "transfer:write", "?reason=over").await, 200);
        assert_eq!(there.verdict("usr_2").await, "continue");
    }
    let made_anew = there.get("/metrics").await.text;
    assert!(made_anew.contains("doorstep_stale_verdicts_total 4\n"), "{made_anew}");
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn no_call_under_way_is_continued_after_the_desk_has_answered() {
    let (here, there) = Bench::start().await.beside().await;
    let key = here.desk_key("desk", &[]).await;
    for round in 0..3 {
        let user = format!("usr_{round}");
        let calls = futures_util::future::join_all((0..8).map(|_| there.verdict(&user)));
        let acting = async {
            done(&here.add(&key, "frozen-users", why(&user)).await, 201);
            futures_util::future::join_all((0..8).map(|_| there.verdict(&user))).await
        };
        let (_, after) = futures_util::future::join(calls, acting).await;
        assert!(after.iter().all(|verdict| verdict == "block"), "{after:?}");
    }
    // In the record, every verdict of a user before the action is a continue, every later one a block.
    let crossed = "SELECT count(*) FROM decisions AS d WHERE (verdict = 'block') <> (desk_revision >=
                   (SELECT revision FROM desk_actions WHERE value = d.user_id))";
    assert_eq!(here.record.count(crossed).await, 0);
    assert_eq!(here.record.count("SELECT count(*) FROM decisions").await, 48);
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn ends_are_judged_by_the_moment_of_the_call() {
    let bench = Bench::start().await;
    let key = bench.desk_key("desk", &[]).await;
    let until = "2026-09-21T16:14:30+02:00";
    done(
        &bench.add(&key, "frozen-users", json!({ "value": "usr_1", "until": until, "reason": "r" })).await,
        201,
    );
    let network = json!({ "value": "198.51.100.0/24", "until": until, "reason": "r" });
    done(&bench.remove(&key, "blocked-networks", network).await, 201);
    let pause = json!({ "until": until, "reason": "r" });
    let told = done(&bench.pause(&key, "profile.email:write", pause).await, 200);
    assert_eq!(told["until"], "2026-09-21T14:14:30Z");
    let mut from_network = transfer("usr_2", "20");
    from_network["signals"]["ip"] = json!("198.51.100.7");
    let verdicts = async || {
        let network = bench.call(&from_network).await.json()["status"].clone();
        [json!(bench.verdict("usr_1").await), network]
    };
    let paused = async || {
        let scopes = bench.get_as(&key, "/v1/scopes").await.json();
        let scopes = scopes["scopes"].as_array().expect("scopes").clone();
        scopes.iter().filter(|scope| !scope["paused"].is_null()).count()
    };
    bench.clock.advance_seconds(59);
    assert_eq!((verdicts().await, paused().await), ([json!("block"), json!("continue")], 1));
    bench.clock.advance_seconds(1);
    assert_eq!((verdicts().await, paused().await), ([json!("continue"), json!("block")], 0));
    bench.resume(&key, "profile.email:write", "?reason=r").await.expect_problem(409, "not_paused");
    bench.stop().await;
}

#[tokio::test]
async fn a_retry_gets_its_first_answer_whatever_the_desk_did_since() {
    let bench = Bench::start().await;
    let key = bench.desk_key("desk", &[]).await;
    let call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    let first = bench.send(&call).await;
    done(&bench.pause(&key, "transfer:write", json!({ "reason": "r" })).await, 200);
    assert_eq!(bench.send(&call).await.text, first.text);
    assert_eq!(bench.verdict("usr_1").await, "block");
    bench.stop().await;
}

#[tokio::test]
async fn a_paused_call_is_explained_by_the_pause_of_its_day() {
    let bench = Bench::start().await;
    let (key, reader) = (bench.desk_key("desk", &[]).await, bench.desk_key("reader", &[]).await);
    let pause = |reason: &str| json!({ "reason": reason, "until": "2026-12-31T00:00:00Z" });
    done(&bench.pause(&key, "transfer:write", pause("attack, case 4711")).await, 200);
    assert_eq!(bench.verdict("usr_1").await, "block");
    done(&bench.resume(&key, "transfer:write", "?reason=over").await, 200);
    done(&bench.pause(&key, "transfer:write", pause("another day")).await, 200);
    let listed = bench.get_as(&reader, "/v1/decisions").await.json()["decisions"][0].clone();
    assert_eq!((&listed["rule"], &listed["reason"]), (&Value::Null, &json!("scope_paused")));
    let path = format!("/v1/decisions/{}", listed["id"].as_str().expect("an id"));
    let explanation = bench.get_as(&reader, &path).await.json()["explanation"].clone();
    let expected = json!({
        "verdict": "block", "steps": [], "rule": null, "reason": "scope_paused", "message": null, "rules": [],
        "pause": { "actor": key_id(&key), "reason": "attack, case 4711", "at": "2026-09-21T14:13:30Z",
                   "until": "2026-12-31T00:00:00Z" },
    });
    assert_eq!(explanation, expected);
    bench.stop().await;
}

fn key_id(key: &str) -> String {
    format!("api:{}", key.split('_').nth(1).expect("an id"))
}

#[tokio::test]
async fn lists_scopes_and_actions_are_shown_as_they_are() {
    let bench = Bench::start().await;
    let (key, reader) = (bench.desk_key("desk", &[]).await, bench.desk_key("reader", &[]).await);
    let actor = key_id(&key);
    let added = done(&bench.add(&key, "frozen-users", why(" usr_1 ")).await, 201);
    let at = "2026-09-21T14:13:30Z";
    let action = |revision: u64, word: &str, value: &str| {
        json!({ "revision": revision, "action": word, "list": "frozen-users", "value": value, "until": null,
                "actor": actor, "reason": "case 4711", "at": at })
    };
    assert_eq!(added, action(1, "list_add", "usr_1"));
    done(&bench.remove(&key, "frozen-users", why("usr_1")).await, 201);
    done(&bench.add(&key, "frozen-users", why("usr_2")).await, 201);
    done(&bench.pause(&key, "transfer:write", json!({ "reason": "attack" })).await, 200);

    let list = done(&bench.get_as(&reader, "/v1/lists/frozen-users").await, 200);
    let entry = json!({ "value": "usr_2", "effect": "added", "state": "in_force", "until": null, "actor": actor,
                        "reason": "case 4711", "at": at });
    assert_eq!(
        list,
        json!({ "name": "frozen-users", "kind": "texts", "file_entries": 1, "entries": [entry] })
    );
    let lists = done(&bench.get_as(&reader, "/v1/lists").await, 200);
    assert_eq!((&lists["revision"], lists["lists"].as_array().map(Vec::len)), (&json!(4), Some(2)));
    let networks = &lists["lists"][0];
    assert_eq!((&networks["name"], &networks["kind"]), (&json!("blocked-networks"), &json!("addresses")));
    let scopes = done(&bench.get_as(&reader, "/v1/scopes").await, 200);
    let transfer =
        scopes["scopes"].as_array().expect("scopes").iter().find(|own| own["scope"] == "transfer:write");
    let pause = json!({ "until": null, "actor": actor, "reason": "attack", "at": at });
    assert_eq!(transfer.expect("covered")["paused"], pause);

    let page =
        async |query: &str| done(&bench.get_as(&reader, &format!("/v1/desk-actions{query}")).await, 200);
    let first = page("?limit=3").await;
    let words = |page: &Value| {
        let actions = page["actions"].as_array().expect("actions").iter();
        actions.map(|action| action["action"].as_str().expect("a word").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(words(&first), ["scope_pause", "list_add", "list_remove"]);
    assert_eq!(
        (&first["actions"][0]["scope"], first["actions"][0].get("value")),
        (&json!("transfer:write"), None)
    );
    let next = first["next_cursor"].as_str().expect("a next page");
    let second = page(&format!("?limit=3&cursor={next}")).await;
    assert_eq!(second, json!({ "actions": [action(1, "list_add", "usr_1")], "next_cursor": null }));
    for query in ["?limit=0", "?limit=201", "?cursor=x", "?cursor=", "?user=usr_1"] {
        bench
            .get_as(&reader, &format!("/v1/desk-actions{query}"))
            .await
            .expect_problem(400, "invalid_request");
    }
    bench.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_code_and_without_the_value() {
    let bench = Bench::start().await;
    let key = bench.desk_key("desk", &[]).await;
    let with = |more: Value| {
        let mut body = why("usr_1");
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let users = "frozen-users";
    let cases = [
        (users, json!(["usr_1", null, "r"]), 400, "invalid_request"),
        (users, json!({ "value": "usr_1" }), 400, "invalid_request"),
        (users, with(json!({ "who": "me" })), 400, "invalid_request"),
        (users, with(json!({ "until": 5 })), 400, "invalid_request"),
        (users, with(json!({ "until": "2026-12-31" })), 422, "invalid_end"),
        (users, with(json!({ "until": "2026-09-21T14:13:30Z" })), 422, "invalid_end"),
        (users, with(json!({ "reason": "  " })), 422, "invalid_reason"),
        (users, with(json!({ "reason": "a\nb" })), 422, "invalid_reason"),
        (users, with(json!({ "reason": "r".repeat(501) })), 422, "invalid_reason"),
        (users, with(json!({ "value": "usr_1 # x" })), 422, "invalid_entry"),
        ("blocked-networks", why("usr_secret"), 422, "invalid_entry"),
        ("nowhere", why("usr_1"), 404, "no_such_list"),
        ("no%20where", why("usr_1"), 404, "no_such_list"),
    ];
    for (list, body, status, code) in cases {
        let answer = bench.add(&key, list, body.clone()).await;
        answer.expect_problem(status, code);
        assert!(!answer.text.contains("usr_"), "{}", answer.text);
        bench.remove(&key, list, body).await.expect_problem(status, code);
    }
    assert!(done(&bench.add(&key, users, with(json!({ "reason": "r".repeat(500) }))).await, 201).is_object());
    let missing = bench.remove(&key, users, why("usr_11")).await;
    missing.expect_problem(409, "not_listed");
    assert!(!missing.text.contains("usr_"), "{}", missing.text);
    let ended = with(json!({ "until": "2027-01-01T00:00:00Z" }));
    bench.remove(&key, users, ended).await.expect_problem(422, "invalid_end");
    let reason = json!({ "reason": "r" });
    bench.pause(&key, "nobody:knows", reason.clone()).await.expect_problem(404, "no_such_scope");
    bench.pause(&key, "transfer:write", json!({})).await.expect_problem(400, "invalid_request");
    bench.resume(&key, "transfer:write", "?reason=r").await.expect_problem(409, "not_paused");
    bench.resume(&key, "transfer:write", "").await.expect_problem(400, "invalid_request");
    bench.resume(&key, "transfer:write", "?reason=").await.expect_problem(422, "invalid_reason");
    let other = bench.ask_as(&key, ("GET", "/v1/scopes/transfer:write/pause"), None).await;
    other.expect_problem(405, "method_not_allowed");
    assert_eq!(other.header("allow"), Some("PUT, DELETE"));
    assert_eq!(bench.record.count("SELECT count(*) FROM desk_actions").await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn only_the_desk_acts_and_only_within_its_keys_limits() {
    let bench = Bench::start().await;
    let reason = json!({ "reason": "r" });
    for role in ["reader", "admin", "minter"] {
        let key = bench.desk_key(role, &[]).await;
        bench.add(&key, "frozen-users", why("usr_1")).await.expect_problem(403, "missing_role");
        bench.remove(&key, "frozen-users", why("usr_1")).await.expect_problem(403, "missing_role");
        bench.pause(&key, "transfer:write", reason.clone()).await.expect_problem(403, "missing_role");
        bench.resume(&key, "transfer:write", "?reason=r").await.expect_problem(403, "missing_role");
    }
    bench.get("/v1/lists").await.expect_problem(401, "invalid_api_key");
    let statuses = async |key: &str| {
        let mut found = Vec::new();
        for path in ["/v1/lists", "/v1/lists/frozen-users", "/v1/scopes", "/v1/desk-actions"] {
            found.push(bench.get_as(key, path).await.status);
        }
        found
    };
    assert_eq!(statuses(&bench.desk_key("minter", &[]).await).await, [403; 4]);
    assert_eq!(statuses(&bench.desk_key("admin", &[]).await).await, [403, 403, 403, 200]);
    for role in ["desk", "reader"] {
        assert_eq!(statuses(&bench.desk_key(role, &[]).await).await, [200; 4]);
    }

    bench.stop().await;
}

#[tokio::test]
async fn a_limited_key_acts_for_its_scopes_alone() {
    let rule = |list: &str| {
        format!("  - {{ id: {list}, when: {{ user_id: {{ in_list: {list} }} }}, then: block }}\n")
    };
    let (transfers, both) = (rule("transfers"), rule("both"));
    let transfer = format!("scopes: [transfer:write]\nrules:\n{transfers}{both}otherwise: block\n");
    let payout = format!("scopes: [payout:write]\nrules:\n{both}otherwise: block\n");
    let bench = Bench::with(
        &[
            ("transfer.yaml", &transfer),
            ("payout.yaml", &payout),
            ("lists/both.txt", ""),
            ("lists/transfers.txt", ""),
        ],
        &[],
    )
    .await;
    let reason = json!({ "reason": "r" });
    let all = bench.desk_key("desk", &[]).await;
    done(&bench.add(&all, "both", why("usr_1")).await, 201);
    done(&bench.pause(&all, "payout:write", reason.clone()).await, 200);
    let limited = bench.desk_key("desk", &["transfer:write"]).await;
    let outside = [
        bench.pause(&limited, "payout:write", reason.clone()).await,
        bench.resume(&limited, "payout:write", "?reason=r").await,
        bench.add(&limited, "both", why("usr_2")).await,
        bench.remove(&limited, "both", why("usr_1")).await,
        bench.get_as(&limited, "/v1/lists/both").await,
    ];
    outside.iter().for_each(|answer| answer.expect_problem(403, "outside_key_limits"));
    done(&bench.pause(&limited, "transfer:write", reason).await, 200);
    done(&bench.add(&limited, "transfers", why("usr_1")).await, 201);
    let shown = async |path: &str, member: &str| {
        let body = bench.get_as(&limited, path).await.json();
        body[member].as_array().expect("a list").clone()
    };
    let names =
        |list: Vec<Value>, member: &str| list.iter().map(|own| own[member].clone()).collect::<Vec<_>>();
    assert_eq!(names(shown("/v1/lists", "lists").await, "name"), ["transfers"]);
    assert_eq!(names(shown("/v1/scopes", "scopes").await, "scope"), ["transfer:write"]);
    assert_eq!(names(shown("/v1/desk-actions", "actions").await, "revision"), [4, 3]);
    bench.stop().await;
}

/// A scope file, with a list or without.
const BASE: &str = "scopes: [transfer:write]\nmetadata: { amount: { type: string }, currency: { type: string }, \
                    payee: { type: string } }\nrules:\n";
const GRANT: &str = "otherwise: { continue: { grant: { mode: single-use, for: 5m } } }\n";
const LISTED: &str = "  - { id: listed, when: { user_id: { in_list: held } }, then: block }\n";
const OTHER: &str = "  - { id: other, when: { user_id: { eq: usr_9 } }, then: block }\n";

#[tokio::test]
async fn a_server_with_another_policy_goes_on_and_says_so() {
    let with_list = format!("{BASE}{LISTED}{GRANT}");
    let without = format!("{BASE}{OTHER}{GRANT}");
    let here = Bench::with(&[("transfer.yaml", &with_list), ("lists/held.txt", "")], &[]).await;
    let (here, there) = here.beside_with(&[("transfer.yaml", &without)]).await;
    let key = here.desk_key("desk", &[]).await;
    done(&here.add(&key, "held", why("usr_1")).await, 201);
    assert_eq!([here.verdict("usr_1").await, there.verdict("usr_1").await], ["block", "continue"]);
    let ready = |answer: &Answer| (answer.status, answer.json()["warnings"][0]["code"].clone());
    assert_eq!(ready(&here.get("/readyz").await), (200, Value::Null));
    assert_eq!(ready(&there.get("/readyz").await), (200, json!("desk_misfit")));
    // A pause holds there too, and the entry can be taken back from there.
    done(&there.pause(&key, "transfer:write", json!({ "reason": "r" })).await, 200);
    assert_eq!([here.verdict("usr_2").await, there.verdict("usr_2").await], ["block", "block"]);
    done(&there.resume(&key, "transfer:write", "?reason=r").await, 200);
    done(&there.remove(&key, "held", why("usr_1")).await, 201);
    assert_eq!(here.verdict("usr_1").await, "continue");
    assert_eq!(ready(&there.get("/readyz").await), (200, Value::Null));
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn what_the_desk_said_is_in_force_after_a_restart() {
    let bench = Bench::start().await;
    let key = bench.desk_key("desk", &[]).await;
    done(&bench.add(&key, "frozen-users", why("usr_1")).await, 201);
    let bench = bench.restart().await;
    bench.until_ready().await;
    assert_eq!(bench.verdict("usr_1").await, "block");
    assert!(
        bench.get("/metrics").await.text.contains("doorstep_stale_verdicts_total 0\n"),
        "known at the start"
    );
    bench.stop().await;
}
