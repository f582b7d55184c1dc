//! Prelude's side of a verification token: it keeps our key set for a while, and fetches at once for an unknown `kid`.

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use crate::bundle::STEP;
use crate::world::World;

/// How long it keeps the key set.
pub(crate) const CACHE_SECONDS: i64 = 20;

pub(crate) struct Verifier {
    set: JwkSet,
    kept_until: i64,
}

impl Verifier {
    pub(crate) const fn new() -> Self {
        Self { set: JwkSet { keys: Vec::new() }, kept_until: i64::MIN }
    }

    /// Whether it takes a token as one of this user and challenge. It asks a server that takes calls, as a balancer sees to.
    pub(crate) async fn takes(&mut self, world: &World, server: usize, token: &str) -> bool {
        let header = jsonwebtoken::decode_header(token).expect("a header");
        let kid = header.kid.expect("a kid");
        if world.now() >= self.kept_until || self.set.find(&kid).is_none() {
            let text = world.get(server, "/.well-known/jwks.json").await;
            self.set = serde_json::from_str(&text).expect("a key set");
            self.kept_until = world.now() + CACHE_SECONDS;
        }
        let Some(jwk) = self.set.find(&kid) else { return false };
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a public key");
        jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
    }
}

/// What a token of an act must say.
pub(crate) fn says(token: &str, (user, challenge): (&str, &str)) -> bool {
    let claims: Value = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("claims").claims;
    let said = json!([claims["sub"], claims["challenge_id"], claims["key"], claims["status"]]);
    said == json!([user, challenge, STEP, "completed"])
}
