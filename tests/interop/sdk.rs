//! Prelude's real SDK logs in to the emulator and walks a step-up with a token that a real Doorstep mints.

use std::ffi::OsString;

use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::foreign::{Script, expect_all_installed, start_with};
use crate::process::Process;
use crate::site::Site;

/// The emulator as a process, and what it says of itself.
struct Emulator {
    process: Process,
    facts: Value,
}

impl Emulator {
    fn start(site: &Site) -> Self {
        let flags = [
            "--dev", "emulator", "--format", "json", "--port", "0", "--app-id", "test", "--ca-out", "ca.pem",
        ];
        let mut process = site.start(&flags);
        let line = process.stdout.find("{").unwrap_or_else(|| panic!("{}", process.stderr.rest()));
        let facts = serde_json::from_str(&line).expect("JSON");
        Self { process, facts }
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.facts))
    }

    /// Configures it as `doorstep prelude apply` would.
    async fn configure(&self, http: &reqwest::Client, doorstep: &str) {
        let post = async |part: &str, body: &Value| {
            let url = format!("{}/v2/session/apps/test/config/{part}", self.fact("url"));
            let answer = http.post(url).bearer_auth(self.fact("management_key")).json(body).send().await;
            assert_eq!(answer.expect("an answer").status(), 201, "{body}");
        };
        post("scopes", &json!({ "scope": "transfer:write" })).await;
        let delegated = json!({ "delegation_hook": format!("{doorstep}/hooks/stepup") });
        let config = json!({
            "jwks_url": format!("{doorstep}/.well-known/jwks.json"),
            "step_keys": [{ "key": "kyc_review", "description": "Identity check" }],
            "allowed_scopes": [{ "scope": "transfer:write", "mode": "delegated", "delegated": delegated }],
        });
        post("stepup", &config).await;
    }
}

#[tokio::test]
async fn the_real_sdk_walks_a_step_up_with_a_token_that_doorstep_minted() {
    expect_all_installed();
    let site = Site::bare();
    let emulator = Emulator::start(&site);
    let ca = site.path("ca.pem");
    let site = site
        .set("mode", "development")
        .set("server.bind", "127.0.0.1:0")
        .set("server.workers", "1")
        .set("prelude.app_id", "test")
        .set("prelude.key_set_url", emulator.fact("key_set_url"))
        .set("prelude.step_up_key_set_url", emulator.fact("step_up_key_set_url"))
        .set("prelude.ca_file", ca.to_str().expect("text"))
        .set("policies.dir", crate::site::SHIPPED_POLICIES);
    let server = site.serve();
    let doorstep = format!("http://{}", server.address);
    let pem = std::fs::read(&ca).expect("the certificate");
    let pem = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    let http = reqwest::Client::builder().tls_certs_only([pem]).no_proxy().build().expect("a client");
    emulator.configure(&http, &doorstep).await;

    let domain = emulator.fact("domain");
    let wants = json!({ "domain": domain, "doorstep": doorstep, "api_key": site.backend_key(), "code": emulator.fact("code") });
    let script = start_with(
        Script::Sdk,
        &[OsString::from(wants.to_string())],
        &[("NODE_EXTRA_CA_CERTS", ca.as_os_str())],
    );
    let ended = script.end().expect(0);
    let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let user = found["logged_in"]["user"].as_str().expect("a user").to_owned();
    let (sms, kyc) = (|done: bool| json!(["verify_sms", done]), |done: bool| json!(["kyc_review", done]));
    let expected = json!({
        "wrong_login_code": "BadRequestError",
        "logged_in": { "scopes": "", "user": user },
        "unheard_of": "ScopeNotAllowedError",
        "bad_metadata": "InvalidMetadataError",
        "review": "review",
        "too_early": 422,
        "wrong_step_code": "BadRequestError",
        "minted": 201,
        "seen": [
            ["verify_sms", [sms(false), kyc(false)]],
            ["kyc_review", [sms(true), kyc(false)]],
            ["completed", [sms(true), kyc(true)]],
        ],
        "granted": "transfer:write",
        "after_the_single_use": "",
        "walked_before": "MissingChallengeTokenError",
        "reused": "TokenReusedError",
        "continued": { "status": "continue", "scopes": "transfer:write" },
        "sessions": 1,
        "logged_out": "UnauthorizedError",
        "signed_up": "logged in",
    });
    assert_eq!(found, expected);
    journal_tells(&emulator, &http, &user).await;
    server.stop();
    emulator.process.signal("TERM");
    emulator.process.end().expect(0);
}

/// Everything that the emulator did can be read back.
async fn journal_tells(emulator: &Emulator, http: &reqwest::Client, user: &str) {
    let log = http.get(format!("{}/_emulator/log", emulator.fact("url"))).send().await.expect("an answer");
    let log: Value = serde_json::from_str(&log.text().await.expect("a body")).expect("JSON");
    let of = |what: &str| {
        let entries = log["entries"].as_array().expect("a list").clone();
        entries.into_iter().filter(|entry| entry["what"] == what).collect::<Vec<_>>()
    };
    let calls = of("hook_call");
    assert_eq!(
        calls.iter().map(|call| &call["answer"]["status"]).collect::<Vec<_>>(),
        ["review", "review", "continue"]
    );
    assert!(calls.iter().all(|call| call["user_id"] == user && call["failure"].is_null()));
    let granted = of("scope_granted");
    assert_eq!(granted.len(), 2, "one after the steps, one at once");
    let carrying =
        of("access_token").iter().filter(|token| token["scopes"] == json!(["transfer:write"])).count();
    assert_eq!(carrying, 2);
}

/// What the emulator signs verifies with Python's `cryptography`, in both salt lengths, and with Node's own crypto.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_emulator_signs_verifies_elsewhere() {
    expect_all_installed();
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let mut cases = Vec::new();
    for style in [doorstep::testing::Style::Usual, doorstep::testing::Style::Other] {
        let call = prelude.sign(&json!({ "scope_requested": "transfer:write" }), style).expect("signed");
        let header = |name: &str| {
            let found = call.headers.iter().find(|(found, _)| found == name);
            found.map(|(_, value)| value.clone()).expect("the header")
        };
        cases.push(json!({
            "kid": header("X-Webhook-Signature-Key-Id"), "signature": header("X-Webhook-Signature"),
            "body": String::from_utf8(call.body.clone()).expect("text"),
        }));
    }
    let token = prelude.challenge_token(&json!({ "sub": "usr_1" })).expect("a token");
    let settings = prelude.settings();
    let url = |key: &str| settings.iter().find(|(found, _)| *found == key).expect("an address").1.clone();
    let wants = json!({
        "key_set_url": url("prelude.key_set_url"), "step_up_key_set_url": url("prelude.step_up_key_set_url"),
        "calls": cases, "challenge_token": token,
    });
    let wants = [OsString::from(wants.to_string())];
    for script in [Script::SignaturesPython, Script::SignaturesNode] {
        let ended = start_with(script, &wants, &[]).end().expect(0);
        let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let expected = json!({
            "calls": [{ "salt": "32", "good": true, "bent": false }, { "salt": "max", "good": true, "bent": false }],
            "challenge_token": { "good": true, "bent": false },
        });
        assert_eq!(found, expected, "{script:?}");
    }
    prelude.stop().await;
}
