//! Signing keys at the command line, beside servers that run: listed, rotated, withdrawn, taken in, exported, sealed anew.

use std::time::{Duration, Instant};

use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::client::{Client, claims, now, transfer, until};
use crate::record::text;
use crate::site::Site;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

fn listed(site: &Site) -> Value {
    serde_json::from_str(&site.run(&["keys", "list", "--format", "json"]).expect(0).stdout).expect("JSON")
}

/// Kids and states, newest first.
fn states(site: &Site) -> Vec<(String, String)> {
    let list = listed(site);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    list["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

fn kids_in(set: &str) -> Vec<String> {
    let set: Value = serde_json::from_str(set).expect("JSON");
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

async fn served(client: &Client) -> Vec<String> {
    kids_in(&client.get("/.well-known/jwks.json").await.expect("an answer").1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_is_published_by_running_servers_and_signs_later() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    site.run(&["keys", "list"]).expect(1).saying(&["There is no store at doorstep.sqlite"]);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let first = served(&client).await;
    let ended = site.run(&["keys", "rotate"]).expect(0).saying(&["It signs from"]);
    let made = ended.stdout.trim().to_owned();
    let began = Instant::now();
    until("published", async || (served(&client).await.len() == 2).then_some(())).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(served(&client).await, [made.clone(), first[0].clone()], "newest first");
    let state = |kid: &str, state: &str| (kid.to_owned(), state.to_owned());
    assert_eq!(states(&site), [state(&made, "pending"), state(&first[0], "active")]);
    let actions = &listed(&site)["actions"];
    assert_eq!((&actions[0]["deed"], &actions[0]["kid"]), (&json!("rotate"), &json!(made)));
    assert!(actions[0]["by"].as_str().is_some_and(|by| by.starts_with("cli:")), "{actions}");
    assert_eq!(actions[1]["by"], Value::Null, "the first one was made by itself");
    let human = site.run(&["keys", "list"]).expect(0).stdout;
    for part in ["pending", "active", "published until", "by itself", &made] {
        assert!(human.contains(part), "{part}: {human}");
    }
    // What is exported is what is served.
    let set = site.run(&["keys", "export-public", "--all"]).expect(0).stdout;
    assert_eq!(kids_in(&set), served(&client).await);
    assert!(!set.contains("\"d\""));
    let pem = site.run(&["keys", "export-public", &made, "--as", "pem"]).expect(0).stdout;
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && !pem.contains("PRIVATE"), "{pem}");
    site.run(&["keys", "export-public", "nobody"]).expect(1).saying(&["There is no such signing key"]);
    site.run(&["keys", "export-public", "-nobody", "--as", "pem"])
        .expect(1)
        .saying(&["There is no such signing key"]);
    site.run(&["keys", "export-public"]).expect(2);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_is_gone_from_every_server_within_five_seconds_and_another_signs() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let servers = [site.serve(), site.serve()];
    let clients = [Client::of(&servers[0].address).await, Client::of(&servers[1].address).await];
    let metadata = json!({"amount": "15000", "currency": "USD"});
    let (status, verdict) = clients[0].send(&transfer(&prelude, "usr_1", "15000")).await.expect("an answer");
    assert!(status == 200 && verdict.contains("review"), "{verdict}");
    let key = site.backend_key();
    let token = prelude.challenge_token(&claims(now(), "usr_1", &metadata)).expect("signs");
    let body = json!({ "challenge_token": token });
    let mint = async |client: &Client| -> String {
        let (status, text) = client.mint(&key, &body).await.expect("an answer");
        assert_eq!(status, 201, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
    };
    let first = mint(&clients[0]).await;
    let ended = site.run(&["keys", "revoke", &first, "--format", "json"]).expect(0);
    let ended = ended.saying(&["within five seconds", "Tokens in flight: 1 ", "may trust the key until"]);
    let began = Instant::now();
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&told["signer"]["kind"], &told["in_flight"]["tokens"]), (&json!("made"), &json!(1)));
    let next = told["signer"]["kid"].as_str().expect("a kid");
    // Whoever has not looked yet is told by the record, looks, and signs with the next.
    assert_eq!([mint(&clients[0]).await, mint(&clients[1]).await], [next, next]);
    for client in &clients {
        until("withdrawn", async || (served(client).await == [next]).then_some(())).await;
        assert!(began.elapsed() < Duration::from_secs(5), "took {:?}", began.elapsed());
        assert_eq!(mint(client).await, next);
    }
    site.run(&["keys", "revoke", &first]).expect(0).saying(&["withdrawn before"]);
    site.run(&["keys", "revoke", "-nobody"]).expect(1).saying(&["There is no such signing key"]);
    site.run(&["keys", "revoke", "--format", "json", "--nobody"])
        .expect(1)
        .saying(&["There is no such signing key"]);
    site.run(&["keys", "revoke", "nobody"]).expect(1).saying(&["There is no such signing key"]);
    site.run(&["keys", "revoke", ""]).expect(2);
    let kept = "SELECT group_concat(length(sealed_private_key), ' ') FROM (SELECT * FROM signing_keys ORDER BY revoked_at IS NULL)";
    assert!(text(&site.path("doorstep.sqlite"), kept).await.starts_with("0 "), "the private part is gone");
    for server in servers {
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_customers_own_are_taken_in_from_files_and_pipes() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let path = |name: &str| format!("{KEYS}/{name}.pem");
    let mut kids = Vec::new();
    for name in ["pkcs1-4096", "pkcs8-3072"] {
        let ended =
            site.run(&["keys", "import", &path(name)]).expect(0).saying(&["Took in", "It signs from"]);
        kids.push(ended.stdout.trim().to_owned());
    }
    let piped = site.run_in_shell(&format!("exec \"$0\" keys import - < {}", path("pkcs8-2048"))).expect(0);
    kids.push(piped.stdout.trim().to_owned());
    site.run(&["keys", "import", &path("pkcs1-2048")]).expect(1).saying(&["is here already", &kids[2]]);
    for (name, says) in [
        ("small-1024", "not 2048, 3072 or 4096 bits"),
        ("exponent-3", "exponent is not 65537"),
        ("encrypted", "it is encrypted"),
        ("public", "no private key"),
        ("elliptic", "no PEM text with an RSA private key"),
        ("none", "Cannot read"),
    ] {
        site.run(&["keys", "import", &path(name)]).expect(1).saying(&[says]);
    }
    until("published", async || (served(&client).await.len() == 4).then_some(())).await;
    let served = served(&client).await;
    assert!(kids.iter().all(|kid| served.contains(kid)), "{served:?}");
    let sizes = "SELECT group_concat(bits, ' ') FROM (SELECT bits FROM signing_keys ORDER BY bits)";
    assert_eq!(text(&site.path("doorstep.sqlite"), sizes).await, "2048 2048 3072 4096");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_sealed_anew_beside_a_server_that_runs() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let (old, new) = ("7".repeat(64), "8".repeat(64));
    let site = Site::with(&prelude).set("keys.encryption_key", &old);
    site.serve().stop();
    let both = site.set("keys.encryption_key", &new).set("keys.previous_encryption_key", &old);
    let server = both.serve();
    let client = Client::of(&server.address).await;
    let before = served(&client).await;
    let done = both.run(&["keys", "reseal", "--format", "json"]).expect(0);
    assert_eq!(
        serde_json::from_str::<Value>(&done.stdout).expect("JSON"),
        json!({"signing_keys": 1, "secrets": 1})
    );
    both.run(&["keys", "rotate"]).expect(0);
    until("published", async || (served(&client).await.len() == 2).then_some(())).await;
    server.stop();
    let alone = both.set("keys.previous_encryption_key", &"9".repeat(64));
    let server = alone.serve();
    let client = Client::of(&server.address).await;
    assert!(served(&client).await.contains(&before[0]));
    server.stop();
    let wrong = alone.set("keys.encryption_key", &old);
    wrong.run(&["keys", "reseal"]).expect(1).saying(&["does not open"]);
    wrong.run(&["serve"]).expect(1).saying(&["the signing keys do not open"]);
}
