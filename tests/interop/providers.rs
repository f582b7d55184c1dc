//! Identity-check providers played by Python's standard library: it signs the vendors' documented examples and sends them to
//! the running server.

use std::ffi::OsString;

use doorstep::testing::{KeyWish, Prelude, Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, claims, now, transfer};
use crate::foreign::{Script, expect_all_installed, run};

const EXAMPLES: &str = include_str!("../vectors/provider-events.json");

const SCHEMES: [&str; 9] = [
    "standard_webhooks",
    "persona",
    "sumsub",
    "veriff",
    "onfido",
    "stripe_identity",
    "didit",
    "idenfy",
    "generic",
];

/// Schemes that have a timestamp.
const TIMED: [&str; 5] = ["standard_webhooks", "persona", "stripe_identity", "didit", "generic"];

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

const TRANSFER: &str = "scopes: [transfer:write]
metadata:
  amount: { type: string }
  currency: { type: string }
rules:
  - id: always-checked
    when: always
    then:
      review:
        grant: { mode: single-use, for: 5m }
        steps: [{ first_of: [verify_sms], expires_in: 10m }, kyc_review]
        else: block
otherwise: block
";

/// What the examples' sources require, and what their words mean.
const SETTINGS: [(&str, &str, &str); 15] = [
    (
        "persona",
        "requires.\"/data/attributes/payload/data/relationships/template/data/id\"",
        "blu_biqYXr3aNfHuLeXUdJUNFNET",
    ),
    ("sumsub", "requires.\"/levelName\"", "basic-kyc-level"),
    ("onfido", "requires.\"/payload/resource/workflow_id\"", "ab7f8f2e-6d53-4b63-8e20-3d0a3f0b4b0c"),
    ("didit", "requires.\"/workflow_id\"", "11111111-2222-3333-4444-555555555555"),
    ("generic", "signature_header", "X-Check-Signature"),
    ("generic", "signature_prefix", "sha512="),
    ("generic", "signature_encoding", "base64"),
    ("generic", "signature_hash", "sha512"),
    ("generic", "signed", "timestamp.body"),
    ("generic", "timestamp_header", "X-Check-Time"),
    ("*", "reference", "/data/reference"),
    ("*", "outcome", "/type"),
    ("*", "approved", "check.passed"),
    ("*", "requires.\"/data/environment\"", "live"),
    ("*", "rejected", "check.failed"),
];

/// A server with a source for each scheme, named after it.
struct Desk {
    server: Server,
    prelude: Prelude,
    client: Client,
    key: String,
    directory: TempDir,
}

fn settings(directory: &TempDir) -> Vec<(&'static str, String)> {
    let file = directory.path().join("secret");
    std::fs::write(&file, SECRET).expect("written");
    let mut all = Vec::new();
    let mut set = |scheme: &str, option: &str, value: &str| {
        let key: &'static str = Box::leak(format!("callbacks.{scheme}.{option}").into_boxed_str());
        all.push((key, value.to_owned()));
    };
    for scheme in SCHEMES {
        set(scheme, "scheme", scheme);
        set(scheme, "secret_file", &file.display().to_string());
        set(scheme, "steps", "kyc_review");
    }
    for scheme in ["standard_webhooks", "generic"] {
        set(scheme, "pending", "check.running");
        set(scheme, "expired", "check.timed_out");
        set(scheme, "reset", "check.revoked");
    }
    for (scheme, option, value) in SETTINGS {
        let schemes = if scheme == "*" { vec!["standard_webhooks", "generic"] } else { vec![scheme] };
        schemes.into_iter().for_each(|scheme| set(scheme, option, value));
    }
    all
}

impl Desk {
    async fn start() -> Self {
        let prelude = Prelude::start(None).await.expect("Prelude's side");
        let directory = TempDir::new().expect("a directory");
        let providers: Vec<_> = SCHEMES.iter().map(|scheme| format!("provider:{scheme}")).collect();
        let steps = format!(
            "custom:\n  kyc_review: {{ description: Identity check, expires_in: 1h, approved_by: [backend, {}] }}\n",
            providers.join(", ")
        );
        let mut all = prelude.settings();
        all.extend(settings(&directory));
        let policies = [("steps.yaml", steps), ("transfer.yaml", TRANSFER.to_owned())]
            .map(|(name, text)| (name.into(), text));
        let directory_path = directory.path().to_owned();
        let setup =
            Setup { directory: directory_path, policies: policies.into(), clock: None, settings: all };
        let server = Server::start(setup).await.expect("it starts");
        let wish = KeyWish { roles: &["opener", "minter"], ..KeyWish::default() };
        let key = server.create_api_key(&wish).await.expect("a key");
        let client = Client::of(server.url().trim_start_matches("http://")).await;
        Self { server, prelude, client, key, directory }
    }

    /// A fresh verification that only this provider may speak of.
    async fn open(&self, number: usize, source: &str) -> Value {
        let user = format!("usr_{number}");
        let (status, review) =
            self.client.send(&transfer(&self.prelude, &user, "15000")).await.expect("an answer");
        assert!(status == 200 && review.contains("\"review\""), "{review}");
        let mut claims = claims(now(), &user, &json!({ "amount": "15000", "currency": "USD" }));
        claims["challenge_id"] = json!(format!("chl_{number}"));
        let token = self.prelude.challenge_token(&claims).expect("signs");
        let body = json!({ "challenge_token": token, "source": source });
        let (status, opened) =
            self.client.post(&self.key, "/v1/verifications", &body).await.expect("an answer");
        assert_eq!(status, 201, "{opened}");
        serde_json::from_str(&opened).expect("JSON")
    }

    fn case(&self, (scheme, body): (&str, &str), spoiled: &Value) -> Value {
        let url = format!("{}/v1/callbacks/{scheme}", self.server.url());
        json!({ "url": url, "scheme": scheme, "secret": SECRET, "body": body, "spoiled": spoiled })
    }

    async fn send(&self, cases: &[Value]) -> Vec<Value> {
        let file = self.directory.path().join("cases.json");
        std::fs::write(&file, json!(cases).to_string()).expect("written");
        let arguments = [OsString::from(file)];
        let sending = tokio::task::spawn_blocking(move || run(Script::Providers, &arguments));
        sending.await.expect("it ends")
    }

    async fn see(&self, opened: &Value) -> Value {
        let path = format!("/v1/verifications/{}", opened["id"].as_str().expect("an id"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = http.get(format!("{}{path}", self.server.url())).bearer_auth(&self.key);
        let seen = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&seen).expect("JSON")
    }
}

/// The example's body with the verification's reference, and with an event id of its own where the vendor gives one.
fn body(example: &Value, opened: &Value) -> String {
    let reference = opened["reference"].as_str().expect("a reference");
    let id = format!("\"evt_{}", &reference[..8]);
    example["body"].to_string().replace("REFERENCE", reference).replace("\"evt_", &id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_providers_sign_is_understood_and_what_others_sign_is_refused() {
    expect_all_installed();
    let desk = Desk::start().await;
    let examples: Vec<Value> = serde_json::from_str(EXAMPLES).expect("examples");
    let mut opened = Vec::new();
    let mut cases = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        let scheme = example["scheme"].as_str().expect("a scheme");
        let verification = desk.open(number, scheme).await;
        let text = body(example, &verification);
        for spoiled in ["body", "secret", "unsigned"] {
            cases.push(desk.case((scheme, &text), &json!(spoiled)));
        }
        cases
            .push(desk.case((scheme, &text), &json!(if TIMED.contains(&scheme) { "old" } else { "secret" })));
        cases.push(desk.case((scheme, &text), &Value::Null));
        cases.push(desk.case((scheme, &text), &Value::Null));
        opened.push(verification);
    }
    let answers = desk.send(&cases).await;
    for ((example, opened), answers) in examples.iter().zip(&opened).zip(answers.chunks(6)) {
        for refused in &answers[..4] {
            assert_eq!(refused["status"], 401, "{example}: {refused}");
            assert_eq!(refused["body"]["code"], "unverified_callback", "{example}");
        }
        for taken in &answers[4..] {
            assert_eq!(
                (&taken["status"], &taken["body"]),
                (&json!(200), &json!({ "status": "recorded" })),
                "{example}"
            );
        }
        let state = match example["outcome"].as_str().expect("an outcome") {
            decided @ ("approved" | "rejected") => decided,
            _ => "pending",
        };
        let seen = desk.see(opened).await;
        assert_eq!(seen["state"], state, "{example}");
        if state != "pending" {
            assert_eq!(
                seen["decided_as"],
                format!("provider:{}", example["scheme"].as_str().expect("a scheme"))
            );
        }
    }
    let Desk { server, prelude, .. } = desk;
    server.stop().await.expect("it stops");
    prelude.stop().await;
}
