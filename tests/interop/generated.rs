//! Clients that are generated from `docs/openapi.json` compile, and mint tokens.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorstep::testing::{KeyWish, Prelude, Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, claims, now, transfer};
use crate::foreign::{expect_all_installed, installed, variable};
use crate::process::Process;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/openapi");

/// A server with two reviews in its record, and what a client needs to have tokens minted for them.
struct Place {
    server: Server,
    prelude: Prelude,
    wanted: Value,
    directory: TempDir,
}

impl Place {
    async fn start() -> Self {
        expect_all_installed();
        let prelude = Prelude::start(None).await.expect("Prelude's side");
        let directory = TempDir::new().expect("a directory");
        let setup = Setup {
            directory: directory.path().to_owned(),
            policies: Vec::new(),
            clock: None,
            settings: prelude.settings(),
        };
        let server = Server::start(setup).await.expect("it starts");
        let client = Client::of(server.url().trim_start_matches("http://")).await;
        let mut wanted = json!({ "server": server.url() });
        for (name, roles) in [
            ("opener", &["opener"][..]),
            ("approver", &["approver"]),
            ("minter", &["minter"]),
            ("backend", &["opener", "approver", "minter"]),
        ] {
            let approves_as = roles.contains(&"approver").then_some("backend");
            let wish = KeyWish { roles, approves_as, ..KeyWish::default() };
            wanted[name] = json!(server.create_api_key(&wish).await.expect("a key"));
        }
        let mut challenges = Vec::new();
        for number in 1..=2 {
            let user = format!("usr_{number}");
            let (status, review) = client.send(&transfer(&prelude, &user, "15000")).await.expect("an answer");
            assert!(status == 200 && review.contains("\"review\""), "{review}");
            let mut claims = claims(now(), &user, &json!({ "amount": "15000", "currency": "USD" }));
            claims["challenge_id"] = json!(format!("chl_{number}"));
            challenges.push(prelude.challenge_token(&claims).expect("signs"));
        }
        wanted["challenges"] = json!(challenges);
        Self { server, prelude, wanted, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a program to its good end, in the directory and with nothing of the test's own environment.
    async fn run(&self, program: impl Into<OsString>, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
        let mut command = Command::new(program.into());
        arguments.iter().for_each(|argument| {
            command.arg(argument.as_ref());
        });
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", variable("PATH").unwrap_or_default());
        let running =
            tokio::task::spawn_blocking(move || Process::start(&mut command).end().expect(0).stdout);
        running.await.expect("it ends")
    }

    /// Both tokens are for the users who were reviewed, and what nobody signed was refused.
    async fn expect_tokens(self, told: &str) {
        let told: Value = serde_json::from_str(told).expect("JSON");
        for (name, user) in [("by_steps", "usr_1"), ("in_one_call", "usr_2")] {
            let payload = told[name].as_str().expect("a token").split('.').nth(1).expect("claims");
            let claims = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
            let claims: Value = serde_json::from_slice(&claims).expect("JSON");
            assert_eq!(
                (&claims["sub"], &claims["key"], &claims["status"]),
                (&json!(user), &json!("kyc_review"), &json!("completed"))
            );
        }
        assert_eq!(told["refused"], "invalid_challenge_token");
        self.server.stop().await.expect("it stops");
        drop(self.prelude);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_is_generated_and_mints_tokens() {
    let place = Place::start().await;
    let python = PathBuf::from(installed("DOORSTEP_TEST_PYTHON"));
    // What it makes is looked at by nobody: it need not be formatted.
    std::fs::write(place.path("generator.yaml"), "post_hooks: []\n").expect("written");
    let folder = place.path("doorstep_client");
    let generator = python.with_file_name("openapi-python-client");
    place
        .run(
            generator,
            &[
                &"generate",
                &"--path",
                &DOCUMENT,
                &"--output-path",
                &folder,
                &"--meta",
                &"none",
                &"--config",
                &place.path("generator.yaml"),
                &"--fail-on-warning",
            ],
        )
        .await;
    place.run(&python, &[&"-m", &"compileall", &"-q", &folder]).await;
    let script = Path::new(FILES).join("generated.py");
    let wanted = place.wanted.to_string();
    let told = place.run(&python, &[&script, &place.directory.path(), &wanted]).await;
    place.expect_tokens(&told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typescript_client_is_generated_and_mints_tokens() {
    let place = Place::start().await;
    let modules = PathBuf::from(installed("DOORSTEP_TEST_NODE_MODULES"));
    std::os::unix::fs::symlink(&modules, place.path("node_modules")).expect("a link");
    std::fs::write(place.path("package.json"), "{\"type\": \"module\"}").expect("written");
    std::fs::copy(Path::new(FILES).join("generated.ts"), place.path("generated.ts")).expect("copied");
    let tool = |name: &str| modules.join(name);
    let types = place.path("doorstep.d.ts");
    place.run("node", &[&tool("openapi-typescript/bin/cli.js"), &DOCUMENT, &"--output", &types]).await;
    place
        .run(
            "node",
            &[
                &tool("typescript/bin/tsc"),
                &"--strict",
                &"--noUncheckedIndexedAccess",
                &"--target",
                &"es2022",
                &"--module",
                &"nodenext",
                &"--lib",
                &"es2022,dom,dom.iterable",
                &"generated.ts",
            ],
        )
        .await;
    let wanted = place.wanted.to_string();
    let told = place.run("node", &[&place.path("generated.js"), &wanted]).await;
    place.expect_tokens(&told).await;
}
