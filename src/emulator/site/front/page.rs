//! A page in tests: what Prelude's SDK does, without the SDK.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::super::compact;
use super::super::stage::{Answer, Stage};

/// A page with a key of its own, its cookies and tokens.
pub(in crate::emulator) struct Page<'a> {
    pub(in crate::emulator) stage: &'a Stage,
    key: EcdsaKeyPair,
    cookies: Vec<String>,
    pub(in crate::emulator) nonce: Option<String>,
    pub(in crate::emulator) access_token: String,
    pub(in crate::emulator) refresh_token: String,
    proofs: u32,
}

/// What a call carries beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum With<'a> {
    Nothing,
    Bearer,
    /// A proof with the newest nonce.
    Proof,
    /// A proof for a challenge token, and the access token.
    ChallengeProof(&'a str),
}

impl<'a> Page<'a> {
    pub(in crate::emulator) fn open(stage: &'a Stage) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let (access_token, refresh_token) = (String::new(), String::new());
        Self { stage, key, cookies: Vec::new(), nonce: None, access_token, refresh_token, proofs: 0 }
    }

    /// Calls, and keeps what the SDK keeps. Refused for want of a nonce, it calls once more.
    pub(in crate::emulator) async fn post(
        &mut self,
        path: &str,
        body: Option<&Value>,
        with: With<'_>,
    ) -> Answer {
        let first = self.post_once(path, body, with).await;
        if first.body["code"] == "use_dpop_nonce" { self.post_once(path, body, with).await } else { first }
    }

    pub(in crate::emulator) async fn post_once(
        &mut self,
        path: &str,
        body: Option<&Value>,
        with: With<'_>,
    ) -> Answer {
        let url = self.stage.url(&format!("/v1/session{path}"));
        let mut request =
            self.stage.client.post(&url).header("X-SDK-User-Agent", "Prelude/0.6.0 Core/1 (Web)");
        request = request.header("User-Agent", "Mozilla/5.0").header("Cookie", self.cookies.join("; "));
        if !self.refresh_token.is_empty() {
            request = request.header("X-Refresh-Token", &self.refresh_token);
        }
        if matches!(with, With::Bearer | With::ChallengeProof(_)) {
            request = request.bearer_auth(&self.access_token);
        }
        match with {
            With::Proof => request = request.header("DPoP", self.proof(&self.claims(&url))),
            With::ChallengeProof(token) => {
                let mut claims = self.claims(&url);
                claims["jti"] = claims_of(token)["jti"].clone();
                claims.as_object_mut().expect("an object").remove("nonce");
                request = request.header("DPoP", self.proof(&claims));
            }
            With::Nothing | With::Bearer => {}
        }
        self.proofs += 1;
        let answer = self.stage.send(match body {
            Some(body) => request.json(body),
            None => request,
        });
        let answer = answer.await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        let text =
            |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        self.nonce = text("dpop-nonce").or_else(|| self.nonce.take());
        self.refresh_token =
            text("x-refresh-token").unwrap_or_else(|| std::mem::take(&mut self.refresh_token));
        if let Some(token) = answer.body["access_token"].as_str() {
            token.clone_into(&mut self.access_token);
        }
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            let name = pair.split('=').next().expect("a name").to_owned();
            self.cookies.retain(|kept| kept.split('=').next() != Some(&name));
            self.cookies.push(pair);
        }
    }

    /// The claims of the next proof.
    pub(in crate::emulator) fn claims(&self, url: &str) -> Value {
        let mut claims = json!({
            "jti": format!("proof-{}", self.proofs), "htm": "POST", "htu": url, "iat": super::super::super::our_side::NOW,
        });
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }

    /// The header of a proof.
    pub(in crate::emulator) fn header(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33) });
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk })
    }

    pub(in crate::emulator) fn proof(&self, claims: &Value) -> String {
        self.proof_of(&self.header(), claims)
    }

    /// Signs whatever header and claims.
    pub(in crate::emulator) fn proof_of(&self, header: &Value, claims: &Value) -> String {
        let input = compact::signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
        compact::with_signature(&input, signature.as_ref())
    }

    /// Logs in by a code.
    pub(in crate::emulator) async fn log_in(&mut self, kind: &str, value: &str) {
        let identifier = json!({ "identifier": { "type": kind, "value": value } });
        assert_eq!(self.post("/login/otp", Some(&identifier), With::Nothing).await.status, 200);
        let answer = self.post("/login/otp/check", Some(&json!({ "code": "123456" })), With::Proof).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Refreshes, with the scope of a completed challenge.
    pub(in crate::emulator) async fn refresh(&mut self, step_up_token: Option<&str>) -> Answer {
        let body = step_up_token.map(|token| json!({ "step_up_token": token }));
        self.post("/refresh", body.as_ref(), With::Proof).await
    }

    /// What the access token carries.
    pub(in crate::emulator) fn scopes(&self) -> String {
        claims_of(&self.access_token)["scope"].as_str().expect("text").to_owned()
    }
}

/// A token's claims; nothing is checked.
pub(in crate::emulator) fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
