//! What the customer's systems, people, providers and strangers send.

use aws_lc_rs::hmac;
use doorstep::testing::{Style, leaks};
use serde_json::{Value, json};

use super::persons::{self, body, challenge};
use super::stage::{
    ACTIVATION, ADDRESS, CASE, EMAIL, FORGED, PATH, PAYEE, PHONE, PROVIDER, REPEAT, Stage, WRONG_KEY,
};
use crate::site::Site;

/// A method is a text of the caller's choice.
const METHOD: &str = "CANARYMETHODOFASTRANGER";

/// API keys by what they may do.
pub(super) struct Key {
    pub(super) backend: String,
    everything: String,
}

/// Makes them beside the server.
pub(super) fn keys(site: &Site) -> Key {
    let roles = ["voucher", "executor", "facts", "reader", "desk", "evaluator", "admin", "minter", "opener"];
    let roles = roles.into_iter().flat_map(|role| ["--role", role]);
    let arguments: Vec<_> = ["api-key", "create", "--name", "everything"].into_iter().chain(roles).collect();
    let everything = site.run(&arguments).expect(0).stdout.trim_end().to_owned();
    leaks::plant("an API key", &everything);
    Key { backend: site.backend_key(), everything }
}

/// A verification's life, and what goes wrong in it.
pub(super) async fn verifications(stage: &Stage, keys: &Key) {
    const OPEN: &str = "/v1/verifications";
    let token = |challenge_id: &'static str| {
        challenge(&stage.prelude, |claims| {
            claims["challenge_id"] = json!(challenge_id);
            claims["jti"] = json!(format!("jti-{challenge_id}"));
        })
    };
    let open = async |body: Value, status: u16| stage.posted((&keys.backend, OPEN, status), &body).await;
    let opened = open(json!({ "challenge_token": token("chl_2") }), 201).await;
    open(json!({ "challenge_token": FORGED }), 422).await;
    open(json!({ "challenge_token": token("chl_3"), "source": EMAIL }), 400).await;
    open(json!({ "challenge_token": token("chl_3"), EMAIL: 1 }), 400).await;
    open(json!({ "challenge_token": [FORGED] }), 400).await;
    let at = |act: &str| format!("{OPEN}/{}/{act}", opened["id"].as_str().expect("an id"));
    let act = async |act: &str, body: Value, status: u16| {
        stage.posted((&keys.backend, &at(act), status), &body).await;
    };
    act("token", json!({}), 409).await;
    act("approve", json!({ "reason": CASE, "actor": [EMAIL] }), 400).await;
    act("approve", json!({ "reason": CASE }), 200).await;
    act("reject", json!({ "reason": CASE }), 409).await;
    act("token", json!({}), 201).await;
    act(PATH, json!({ "reason": CASE }), 404).await;
    for path in [
        format!("{OPEN}/{PATH}"),
        format!("{OPEN}?user_id={EMAIL}&state={PATH}"),
        format!("{OPEN}?{PATH}={PHONE}"),
        format!("{OPEN}?cursor={PATH}"),
        format!("{OPEN}/{}?wait={PATH}", opened["id"].as_str().expect("an id")),
    ] {
        let answer = stage.send(stage.request("GET", &path).bearer_auth(&keys.backend)).await;
        assert!((400..500).contains(&answer.0), "{path} {}", answer.1);
    }
    let gone = json!({ "session_id": "ses_1", "reason": CASE });
    stage.posted((&keys.backend, "/v1/withdrawals", 200), &gone).await;
    let both = json!({ "session_id": EMAIL, "user_id": PHONE, "reason": CASE });
    stage.posted((&keys.backend, "/v1/withdrawals", 400), &both).await;
    act("token", json!({}), 409).await;
    // The same name for two requests.
    for (body, status) in [(gone, 200), (both, 422)] {
        let request = stage.request("POST", "/v1/withdrawals").bearer_auth(&keys.backend);
        let answer = stage.send(request.header("idempotency-key", REPEAT).json(&body)).await;
        assert!(answer.0 == status || answer.0 == 400, "{} {}", answer.0, answer.1);
    }
}

/// What the fraud desk lists and pauses, and cannot.
pub(super) async fn desk(stage: &Stage, keys: &Key) {
    let post = async |path: &str, value: &str, status: u16| {
        let body = json!({ "value": value, "reason": CASE });
        stage.posted((&keys.everything, &format!("/v1/lists/{path}"), status), &body).await;
    };
    post("frozen-users/entries", EMAIL, 201).await;
    post("frozen-users/removals", EMAIL, 201).await;
    post("frozen-users/removals", PHONE, 409).await;
    post("blocked-networks/entries", "203.0.113.78", 201).await;
    post("blocked-networks/entries", &format!("{ADDRESS}/24"), 422).await;
    post("blocked-networks/entries", EMAIL, 422).await;
    post(&format!("{PATH}/entries"), PHONE, 404).await;
    let put = async |path: String, body: Value| {
        let request = stage.request("PUT", &path).bearer_auth(&keys.everything);
        stage.send(request.json(&body)).await
    };
    let paused =
        put("/v1/scopes/profile.email:write/pause".to_owned(), json!({ "reason": CASE, "until": EMAIL }));
    assert_eq!(paused.await.0, 422);
    assert_eq!(put(format!("/v1/scopes/{PATH}/pause"), json!({ "reason": CASE })).await.0 / 100, 4);
}

/// What happened, and what is about to be executed.
pub(super) async fn facts_and_grants(stage: &Stage, keys: &Key) {
    let key = &keys.everything;
    let report = async |body: Value, status: u16| stage.posted((key, "/v1/facts", status), &body).await;
    report(json!({ "user_id": EMAIL, "kind": "chargeback", "id": PHONE }), 201).await;
    report(json!({ "user_id": EMAIL, "kind": "chargeback", "id": PHONE, "at": "2026-11-01T00:00:00Z" }), 409)
        .await;
    report(json!({ "user_id": "usr_1", "kind": EMAIL }), 400).await;
    report(json!({ "user_id": "usr_1", "kind": "chargeback", "at": PHONE }), 400).await;
    report(json!({ "user_id": "usr_1", EMAIL: PHONE }), 400).await;
    let redeem = async |body: Value, status: u16| {
        stage.posted((key, "/v1/grants/redeem", status), &body).await;
    };
    let metadata = body()["metadata"].clone();
    redeem(json!({ "user_id": EMAIL, "scope": "transfer:write", "metadata": metadata }), 409).await;
    let other = json!({ "amount": "15000", "currency": "USD", "payee": "CANARY0PAYEE" });
    redeem(json!({ "user_id": "usr_1", "scope": "transfer:write", "metadata": other }), 409).await;
    redeem(json!({ "user_id": "usr_1", "scope": "transfer:write", "metadata": { EMAIL: PAYEE } }), 400).await;
    redeem(json!({ "user_id": "usr_1", "scope": EMAIL }), 400).await;
}

/// What people ask about the record and the policy.
pub(super) async fn questions(stage: &Stage, keys: &Key) {
    let asked = json!({
        "scope": "transfer:write", "user_id": EMAIL, "platform": "WEB", "identifiers": ["phone_number"], "ip": ADDRESS,
        "metadata": { "amount": "600", "currency": "USD", "payee": PAYEE },
    });
    stage.posted((&keys.everything, "/v1/evaluate", 200), &asked).await;
    for (field, value) in [("ip", PHONE), ("platform", EMAIL), ("scope", EMAIL), ("identifiers", PHONE)] {
        let mut wrong = asked.clone();
        wrong[field] = json!(value);
        let answer = stage.post(&keys.everything, "/v1/evaluate", &wrong).await;
        assert!(answer.0 == 200 || answer.0 == 400, "{field} {}", answer.1);
    }
    for path in
        ["decisions", "accesses", "policies", "policies/activations", "desk-actions", "lists/frozen-users"]
    {
        let read =
            async |path: String| stage.send(stage.request("GET", &path).bearer_auth(&keys.everything)).await;
        assert_eq!(read(format!("/v1/{path}")).await.0, 200, "{path}");
        read(format!("/v1/{path}?user_id={EMAIL}&cursor={PATH}&from={PHONE}")).await;
        read(format!("/v1/{path}/{PATH}")).await;
    }
}

/// Prelude's webhook: activated and told, well and badly.
pub(super) async fn events(stage: &Stage) {
    const ROUTE: &str = "/hooks/events";
    for (token, status) in [(ACTIVATION, 200), (FORGED, 403), ("", 400)] {
        let query = format!("event=activate&verification_token={token}&challenge=7&app_id=test");
        let query = if token.is_empty() { format!("event={PATH}&challenge={PHONE}") } else { query };
        let answer = stage.send(stage.request("GET", &format!("{ROUTE}?{query}"))).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    }
    let tell = async |events: Value, status: u16| {
        let batch = json!({ "app_id": "test", "events": events });
        let call = stage.prelude.sign(&batch, Style::Usual).expect("signs");
        let answer = stage.deliver(ROUTE, &call).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    };
    tell(json!([{ "type": "user.updated.by.nobody", "email": EMAIL, "phone": PHONE }]), 200).await;
    tell(json!([{ "type": [EMAIL] }]), 400).await;
    tell(json!(PHONE), 400).await;
}

/// A provider's webhook: of its own, somebody else's, and unreadable.
pub(super) async fn callbacks(stage: &Stage) {
    let send = async |source: &str, (body, secret): (String, &str), status: u16| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let digest: String =
            hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        leaks::plant("a provider's signature", &digest);
        let request = stage.request("POST", &format!("/v1/callbacks/{source}"));
        let request =
            request.header("x-payload-digest", digest).header("x-payload-digest-alg", "HMAC_SHA256_HEX");
        let answer = stage.send(request.body(body)).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    };
    let event = json!({
        "type": "applicantReviewed", "applicantId": PHONE, "externalUserId": EMAIL, "reviewResult": { "reviewAnswer": "GREEN" },
    });
    send("sumsub", (event.to_string(), PROVIDER), 200).await;
    send("sumsub", (event.to_string(), WRONG_KEY), 401).await;
    send("sumsub", (format!("{{\"{EMAIL}\": {PHONE}"), PROVIDER), 400).await;
    send(PATH, (event.to_string(), PROVIDER), 404).await;
}

/// Requests that lead nowhere.
pub(super) async fn strangers(stage: &Stage) {
    for (method, path, status) in [
        ("GET", format!("/{PATH}?{PATH}={EMAIL}"), 404),
        ("DELETE", format!("/hooks/stepup?{PATH}"), 405),
        ("GET", format!("/v1/decisions/{PATH}"), 401),
        ("POST", format!("/v1/verifications/{PATH}/approve"), 401),
    ] {
        let answer = stage.send(stage.request(method, &path).body(EMAIL)).await;
        assert!(answer.0 == status || answer.0 == 415, "{method} {path}: {}", answer.1);
    }
    leaks::plant("a method", METHOD);
    for path in ["/v1/decisions", "/nowhere"] {
        let answer = stage.send(stage.request(METHOD, path)).await;
        assert_eq!(answer.0 / 100, 4, "{}", answer.1);
    }
    for key in [WRONG_KEY, FORGED, EMAIL] {
        let answer = stage.send(stage.request("GET", "/v1/decisions").bearer_auth(key)).await;
        assert_eq!(answer.0, 401, "{}", answer.1);
    }
    let long = stage.request("GET", "/healthz").header("x-canary", EMAIL.repeat(2000));
    let answer = stage.send(long).await;
    assert!((400..500).contains(&answer.0), "{} {}", answer.0, answer.1);
}

/// Policy files and settings with marked values at their faults.
pub(super) async fn reloads(stage: &mut Stage, keys: &Key) {
    let good =
        std::fs::read_to_string(stage.site.path("rules/lists/blocked-networks.txt")).expect("it is read");
    stage.site.write(
        "rules/lists/blocked-networks.txt",
        &format!("{good}\n198.51.100.0/24\n{EMAIL}\n{ADDRESS}/24\n{PHONE}\n"),
    );
    stage.site.write("rules/lists/frozen-users.txt", &format!("{EMAIL}\n{EMAIL}\n"));
    stage.hang_up("do not come into force");
    let answer = stage.post(&keys.everything, "/v1/policies/reload", &json!({})).await;
    assert!(answer.0 == 200 || answer.0 == 422, "{}", answer.1);
    stage.site.write("rules/lists/blocked-networks.txt", &good);
    stage.site.write("doorstep.toml", &format!("[log]\nlevel = \"{EMAIL}\"\n"));
    stage.hang_up("log_level_unusable");
    stage.site.write("doorstep.toml", "[log]\nlevel = \"debug\"\n");
    stage.hang_up("log_level_changed");
    stage.site.write("doorstep.toml", "[log]\nlevel = \"trace\"\n");
    stage.hang_up("log_level_changed");
}

/// Everything that writes, while the record takes nothing; the log says why.
pub(super) async fn in_an_outage(stage: &Stage, keys: &Key, code: &str) {
    assert_eq!(persons::hook_call(stage).await, 503, "{code}");
    let fact = json!({ "user_id": EMAIL, "kind": "chargeback" });
    let entry = json!({ "value": EMAIL, "reason": CASE });
    let open = json!({ "challenge_token": challenge(&stage.prelude, |claims| claims["challenge_id"] = json!("chl_9")) });
    for (key, path, body) in [
        (&keys.everything, "/v1/facts", &fact),
        (&keys.everything, "/v1/lists/frozen-users/entries", &entry),
        (&keys.backend, "/v1/verifications", &open),
        (&keys.backend, "/v1/verification-tokens", &open),
    ] {
        let answer = stage.post(key, path, body).await;
        assert!(answer.0 >= 500, "{code} {path} {} {}", answer.0, answer.1);
    }
    let batch = json!({ "app_id": "test", "events": [{ "type": "user.nothing", "email": EMAIL }] });
    let call = stage.prelude.sign(&batch, Style::Usual).expect("signs");
    assert!(stage.deliver("/hooks/events", &call).await.0 >= 500, "{code}");
}
