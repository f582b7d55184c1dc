//! A token says which key made it, and never brings that key along or points to it (RFC 8725 §3.10, ASVS 5.0 9.1.3).

use std::net::TcpListener;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::bench::{Bench, claims, transfer};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Somebody who has an Ed25519 key, but not Prelude's.
struct Stranger(Ed25519KeyPair);

impl Stranger {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().expect("a key"))
    }

    fn jwk(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x })
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_or_points_to_is_not_looked_at() {
    let bench = Bench::start().await;
    let key = bench.backend_key().await;
    assert_eq!(bench.call(&transfer("usr_1", "15000")).await.json()["status"], "review");
    let claims = claims("usr_1", "15000");
    let genuine = bench.prelude.challenge_token(&claims).expect("signs");
    let head = URL_SAFE_NO_PAD.decode(genuine.split('.').next().expect("a header")).expect("base64url");
    let header: Value = serde_json::from_slice(&head).expect("JSON");
    let preludes = header["kid"].as_str().expect("a kid");

    let stranger = Stranger::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("asked without waiting");
    let url = format!("http://{}/keys.json", listener.local_addr().expect("an address"));
    let mut refused = 0;
    for kid in [Some(preludes), Some("its-own"), None] {
        for (name, value) in [
            ("jku", json!(url)),
            ("x5u", json!(url)),
            ("jwk", stranger.jwk(kid.unwrap_or("its-own"))),
            ("x5c", json!([STANDARD.encode(stranger.0.public_key().as_ref())])),
            ("x5t#S256", json!("AAAA")),
        ] {
            let mut header = json!({ "alg": "EdDSA", "typ": "JWT", name: value });
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            let token = stranger.token(&header, &claims);
            let answer = bench.mint(&key, &json!({ "challenge_token": token })).await;
            answer.expect_problem(422, "invalid_challenge_token");
            refused += 1;
        }
    }
    assert_eq!(refused, 15);
    assert!(listener.accept().is_err(), "nobody asked the address that the tokens point to");
    assert_eq!(bench.record.count("SELECT count(*) FROM verification_tokens").await, 0);
    let minted = bench.mint(&key, &json!({ "challenge_token": genuine })).await;
    assert_eq!(minted.status, 201, "the genuine one is taken: {}", minted.text);
    bench.stop().await;
}
