//! schemathesis asks a server everything that its description allows and forbids, signed as Prelude signs and with an API key that
//! has every role.

use std::path::Path;

use doorstep::testing::{KeyWish, Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::foreign::{Script, expect_all_installed, next_line, start, tell};
use crate::process::Process;
use crate::site::SHIPPED_POLICIES;

const DOCUMENT: &str = include_str!("../../docs/openapi.json");
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/openapi/schemathesis.toml");
const TOKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/verification-token");

const ROLES: [&str; 10] =
    ["opener", "approver", "minter", "voucher", "executor", "facts", "reader", "evaluator", "desk", "admin"];

/// A step that needs no review: what schemathesis opens, it can have approved, and get tokens of.
const STEPS: &str = "custom:
  kyc_review: { description: Identity check, expires_in: 1h, approved_by: [backend, person], without_verdict: true }
";

/// A server, and schemathesis.
struct Asked {
    server: Server,
    key: String,
    asker: Process,
    directory: TempDir,
}

/// The shipped files with the step above.
fn policies() -> Vec<(String, String)> {
    let mut files = vec![("steps.yaml".to_owned(), STEPS.to_owned())];
    for folder in ["", "lists/"] {
        for entry in std::fs::read_dir(Path::new(SHIPPED_POLICIES).join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name =
                format!("{folder}{}", path.file_name().and_then(|name| name.to_str()).expect("a name"));
            let is_policy = path.is_file() && name != "steps.yaml";
            files.extend(is_policy.then(|| (name, std::fs::read_to_string(path).expect("a file"))));
        }
    }
    files
}

impl Asked {
    async fn start() -> Self {
        expect_all_installed();
        let mut asker = start(Script::Described, &[]);
        let urls: Value = serde_json::from_str(&next_line(&mut asker)).expect("addresses");
        let url = |name: &str| urls[name].as_str().expect("an address").to_owned();
        let settings = vec![
            ("prelude.key_set_url", url("key_set_url")),
            ("prelude.step_up_key_set_url", url("step_up_key_set_url")),
            ("prelude.events", "on".to_owned()),
            ("prelude.verification_token_file", TOKEN.to_owned()),
            // Many of its requests are wrong on purpose, and all come from one address.
            ("server.open_requests_per_second", "1000000".to_owned()),
            ("server.failed_signatures_per_minute", "1000000".to_owned()),
            ("server.failed_api_keys_per_minute", "1000000".to_owned()),
            ("server.failures_per_second_max", "1000000".to_owned()),
        ];
        let directory = TempDir::new().expect("a directory");
        let setup =
            Setup { directory: directory.path().to_owned(), policies: policies(), clock: None, settings };
        let server = Server::start(setup).await.expect("it starts");
        let wish = KeyWish { roles: &ROLES, approves_as: Some("backend"), ..KeyWish::default() };
        let key = server.create_api_key(&wish).await.expect("a key");
        Client::of(server.url().trim_start_matches("http://")).await;
        Self { server, key, asker, directory }
    }

    /// Has schemathesis ask by a document: whether it found nothing, and what it says.
    fn ask(&mut self, document: &Value, arguments: &[&str]) -> (bool, String) {
        let file = self.directory.path().join("openapi.json");
        std::fs::write(&file, document.to_string()).expect("written");
        let wanted = json!({
            "server": self.server.url(), "api_key": self.key, "document": file, "config": CONFIG, "arguments": arguments,
        });
        tell(&mut self.asker, &wanted.to_string());
        let said = std::iter::repeat_with(|| next_line(&mut self.asker)).find(|line| line.starts_with('{'));
        let said: Value = serde_json::from_str(&said.expect("a line")).expect("JSON");
        (said["code"] == 0, said["output"].as_str().expect("a text").to_owned())
    }
}

fn document() -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    // Which application ours is, only its owner knows.
    document["components"]["schemas"]["EventBatch"]["properties"]["app_id"] = json!({ "const": "test" });
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_as_described_whatever_it_is_asked() {
    let mut asked = Asked::start().await;
    let phases = ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"];
    let (found_nothing, said) = asked.ask(&document(), &phases);
    assert!(found_nothing, "{said}");
    assert!(said.contains("Tested: 36"), "every operation is asked:\n{said}");
    asked.asker.end().expect(0);
    asked.server.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_wrongly_is_found() {
    let mut asked = Asked::start().await;
    let mut planted = document();
    let responses = &mut planted["paths"]["/healthz"]["get"]["responses"];
    responses["204"] = responses["200"].take();
    responses.as_object_mut().expect("responses").remove("200");
    let (found_nothing, said) = asked.ask(&planted, &["--include-path", "/healthz", "--phases", "coverage"]);
    assert!(!found_nothing && said.contains("Undocumented status code"), "another status:\n{said}");

    let mut planted = document();
    planted["components"]["schemas"]["Alive"]["required"] = json!(["status", "since"]);
    let (found_nothing, said) = asked.ask(&planted, &["--include-path", "/healthz", "--phases", "coverage"]);
    assert!(!found_nothing && said.contains("\"since\""), "another shape:\n{said}");

    let mut planted = document();
    planted["components"]["schemas"]["FactKind"]["maxLength"] = json!(3);
    let (found_nothing, said) =
        asked.ask(&planted, &["--include-path", "/v1/facts", "--phases", "coverage,fuzzing"]);
    assert!(!found_nothing && said.contains("Schema-violating request accepted"), "what is taken:\n{said}");
    asked.asker.end().expect(0);
    asked.server.stop().await.expect("it stops");
}
