//! Our tokens through our key set over HTTP, judged by two foreign libraries.

use std::ffi::OsString;
use std::sync::Arc;

use doorstep::testing::{KeyWish, ManualClock, Prelude, Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, claims, now, transfer};
use crate::foreign::{Script, expect_all_installed, run};
use crate::site::Site;
use crate::wrong_tokens;

const KEY_SET: &str = "/.well-known/jwks.json";

/// What PyJWT and jose say of each wrong token: not only that it is refused but that it is refused for what is wrong.
const REFUSALS: [(&str, &str, &str); 21] = [
    ("expired", "ExpiredSignatureError", "ERR_JWT_EXPIRED"),
    ("not yet valid", "ImmatureSignatureError", "ERR_JWT_CLAIM_VALIDATION_FAILED"),
    ("of another installation", "PyJWKClientError", "ERR_JWKS_NO_MATCHING_KEY"),
    ("no algorithm, no signature", "PyJWKClientError", "ERR_JOSE_ALG_NOT_ALLOWED"),
    ("no algorithm, our kid", "InvalidAlgorithmError", "ERR_JOSE_ALG_NOT_ALLOWED"),
    ("another algorithm", "InvalidAlgorithmError", "ERR_JOSE_ALG_NOT_ALLOWED"),
    ("another padding", "InvalidAlgorithmError", "ERR_JOSE_ALG_NOT_ALLOWED"),
    ("another kid", "PyJWKClientError", "ERR_JWKS_NO_MATCHING_KEY"),
    ("another user", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("another step", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("a longer life", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("one bit of the signature", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("half a signature", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("no signature", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("two parts", "DecodeError", "ERR_JWS_INVALID"),
    ("cut off in its claims", "DecodeError", "ERR_JWS_INVALID"),
    ("another key under our kid", "InvalidSignatureError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("another key under its own kid", "PyJWKClientError", "ERR_JWKS_NO_MATCHING_KEY"),
    ("another key without a kid", "PyJWKClientError", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ("a key that it brought along", "PyJWKClientError", "ERR_JWKS_NO_MATCHING_KEY"),
    ("our public key as a secret", "InvalidAlgorithmError", "ERR_JOSE_ALG_NOT_ALLOWED"),
];

/// A token, and where the key set is that it must be judged by.
fn case(name: &str, address: &str, token: &str) -> Value {
    json!({ "name": name, "key_set": format!("http://{address}{KEY_SET}"), "token": token })
}

/// Has a large transfer of this user reviewed, and mints for it.
async fn mint(prelude: &Prelude, client: &Client, key: &str, (user, now): (&str, i64)) -> Value {
    let (status, review) = client.send(&transfer(prelude, user, "15000")).await.expect("an answer");
    assert!(status == 200 && review.contains("\"review\""), "{review}");
    let claims = claims(now, user, &json!({ "amount": "15000", "currency": "USD" }));
    let token = prelude.challenge_token(&claims).expect("signs");
    let (status, made) = client.mint(key, &json!({ "challenge_token": token })).await.expect("an answer");
    assert_eq!(status, 201, "{made}");
    serde_json::from_str(&made).expect("JSON")
}

/// The same in three calls: opened, approved, minted.
async fn mint_by_steps(prelude: &Prelude, client: &Client, key: &str, (user, now): (&str, i64)) -> Value {
    let (_, review) = client.send(&transfer(prelude, user, "15000")).await.expect("an answer");
    assert!(review.contains("\"review\""), "{review}");
    let mut claims = claims(now, user, &json!({ "amount": "15000", "currency": "USD" }));
    claims["challenge_id"] = json!("chl_2");
    let opening = json!({ "challenge_token": prelude.challenge_token(&claims).expect("signs") });
    let (_, opened) = client.post(key, "/v1/verifications", &opening).await.expect("an answer");
    let opened: Value = serde_json::from_str(&opened).expect("JSON");
    let path = |act: &str| format!("/v1/verifications/{}/{act}", opened["id"].as_str().expect("an id"));
    let reason = json!({ "reason": "passport seen" });
    let (_, approved) = client.post(key, &path("approve"), &reason).await.expect("an answer");
    assert!(approved.contains("\"approved\""), "{approved}");
    let (status, made) = client.post(key, &path("token"), &json!({})).await.expect("an answer");
    assert_eq!(status, 201, "{made}");
    serde_json::from_str(&made).expect("JSON")
}

fn token(made: &Value) -> &str {
    made["verification_token"].as_str().expect("a token")
}

/// The claims that a token has, by what the mint said of it.
fn expected_claims(made: &Value) -> Value {
    let expires_at: jiff::Timestamp =
        made["expires_at"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let exp = expires_at.as_second();
    json!({
        "sub": made["user_id"], "challenge_id": made["challenge_id"], "key": made["step_key"], "status": "completed",
        "iat": exp - 300, "nbf": exp - 305, "exp": exp, "jti": made["jti"],
    })
}

/// A server whose clock stands elsewhere, and a token that it minted there and then.
struct Elsewhen {
    server: Server,
    prelude: Prelude,
    token: String,
    _directory: TempDir,
}

impl Elsewhen {
    async fn at(now: i64) -> Self {
        let clock = ManualClock::at_unix_seconds(now);
        let prelude = Prelude::start(Some(Arc::clone(&clock))).await.expect("Prelude's side");
        let directory = TempDir::new().expect("a directory");
        let setup = Setup {
            directory: directory.path().to_owned(),
            policies: Vec::new(),
            clock: Some(clock),
            settings: prelude.settings(),
        };
        let server = Server::start(setup).await.expect("it starts");
        let wish = KeyWish {
            roles: &["opener", "approver", "minter"],
            approves_as: Some("backend"),
            ..KeyWish::default()
        };
        let key = server.create_api_key(&wish).await.expect("a key");
        let client = Client::of(server.url().trim_start_matches("http://")).await;
        let made = mint(&prelude, &client, &key, ("usr_1", now)).await;
        Self { token: token(&made).to_owned(), server, prelude, _directory: directory }
    }

    fn case(&self, name: &str) -> Value {
        case(name, self.server.url().trim_start_matches("http://"), &self.token)
    }

    async fn stop(self) {
        self.server.stop().await.expect("it stops");
        self.prelude.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_libraries_take_what_we_minted_and_nothing_else() {
    expect_all_installed();
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let site = Site::with(&prelude);
    let server = site.serve();
    let client = Client::of(&server.address).await;
    let key = site.backend_key();
    let good = mint(&prelude, &client, &key, ("usr_1", now())).await;
    let other = mint_by_steps(&prelude, &client, &key, ("usr_ÿ 2", now())).await;
    let key_set = client.get(KEY_SET).await.expect("an answer").1;
    let key_set: Value = serde_json::from_str(&key_set).expect("JSON");
    let (past, future) = (Elsewhen::at(now() - 3600).await, Elsewhen::at(now() + 3600).await);

    let mut cases = vec![
        case("good", &server.address, token(&good)),
        case("another good one", &server.address, token(&other)),
        past.case("expired"),
        future.case("not yet valid"),
        case("of another installation", &server.address, &past.token),
    ];
    cases.extend(
        wrong_tokens::of(token(&good), &key_set)
            .iter()
            .map(|(name, token)| case(name, &server.address, token)),
    );
    site.write("cases.json", &json!(cases).to_string());
    let file = [OsString::from(site.path("cases.json"))];
    let python = run(Script::VerifyPython, &file);
    let node = run(Script::VerifyNode, &file);
    let mut expected = [Vec::new(), Vec::new()];
    for (name, made) in [("good", &good), ("another good one", &other)] {
        let taken = json!({ "name": name, "claims": expected_claims(made) });
        expected.iter_mut().for_each(|results| results.push(taken.clone()));
    }
    for (name, by_python, by_node) in REFUSALS {
        expected[0].push(json!({ "name": name, "refused": by_python }));
        expected[1].push(json!({ "name": name, "refused": by_node }));
    }
    assert_eq!([python, node], expected);
    server.stop();
    past.stop().await;
    future.stop().await;
}
