//! Hook calls as Prelude sends them: signed with a key of our own, no two alike, kept in memory ready to send.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::{Fault, Outcome, While as _};
use crate::seed::Seed;

/// The `kid` under which the key set names the signing key.
const KEY_ID: &str = "bench-key-1";

/// The key that signs for Prelude in a measure.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Makes a new RSA-2048 key.
    ///
    /// # Errors
    /// When the library refuses to make one.
    pub(crate) fn generate() -> Outcome<Self> {
        RsaKeyPair::generate(KeySize::Rsa2048).map(Self).doing("making the signing key")
    }

    /// The key set that Prelude would publish for its hook calls.
    pub(crate) fn key_set(&self) -> String {
        let public = self.0.public_key();
        let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let key = serde_json::json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e,
        });
        serde_json::json!({ "keys": [key] }).to_string()
    }

    /// Writes the public key as PKCS #1 DER, which is what the floor reads.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write_public(&self, path: &Path) -> Outcome<()> {
        std::fs::write(path, self.0.public_key().as_ref()).doing("writing the public key")
    }

    /// Makes `count` calls, signed on every core: RSA signing costs hundreds of microseconds each.
    ///
    /// # Errors
    /// When a signature cannot be made; no call is given then.
    pub(crate) fn calls(&self, count: usize, seed: Seed) -> Outcome<Vec<Call>> {
        self.calls_of(Who::Strangers, count, seed)
    }

    /// The same, of these users.
    ///
    /// # Errors
    /// As [`Self::calls`].
    pub(crate) fn calls_of(&self, who: Who, count: usize, seed: Seed) -> Outcome<Vec<Call>> {
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = count.div_ceil(threads).max(1);
        thread::scope(|scope| {
            let signers: Vec<_> = (0..count)
                .step_by(share)
                .map(|from| scope.spawn(move || self.some_calls(who, from..count.min(from + share), seed)))
                .collect();
            let mut calls = Vec::with_capacity(count);
            for signer in signers {
                calls.extend(signer.join().map_err(|_| Fault::new("a signing thread panicked"))??);
            }
            Ok(calls)
        })
    }

    fn some_calls(&self, who: Who, range: std::ops::Range<usize>, seed: Seed) -> Outcome<Vec<Call>> {
        let random = SystemRandom::new();
        let mut signature = vec![0; self.0.public_modulus_len()];
        range
            .map(|at| {
                let (user, at) = who.of(at);
                let user_id = user_id(user, seed);
                let body = body(at, &user_id, seed);
                self.0
                    .sign(&RSA_PSS_SHA256, &random, body.as_bytes(), &mut signature)
                    .doing("signing a call")?;
                let request = request(&body, &URL_SAFE_NO_PAD.encode(&signature));
                Ok(Call { user_id, request })
            })
            .collect()
    }
}

/// Whose calls they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// Each another user's, of all kinds.
    Strangers,
    /// So many in a row of each user, of all kinds.
    InRow(NonZeroUsize),
    /// So many users' in turn, all of the kind that every rule but the last lets pass.
    Turns(usize),
}

impl Who {
    /// The number of a call's user, and the number that its content follows from.
    const fn of(self, at: usize) -> (usize, usize) {
        match self {
            Self::Strangers => (at, at),
            Self::InRow(calls) => (at / calls.get(), at),
            Self::Turns(users) => (at % users, at * 20 + 12),
        }
    }
}

/// The `kid` under which the key set names the step-up key.
const STEP_UP_KEY_ID: &str = "bench-step-up-1";

/// The key that signs challenge tokens for Prelude in a measure.
pub(crate) struct StepUpKey(Ed25519KeyPair);

impl StepUpKey {
    /// Makes a new Ed25519 key.
    ///
    /// # Errors
    /// When the library refuses to make one.
    pub(crate) fn generate() -> Outcome<Self> {
        Ed25519KeyPair::generate().map(Self).doing("making the step-up key")
    }

    /// The key set that Prelude would publish for its challenge tokens.
    pub(crate) fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": STEP_UP_KEY_ID, "x": x,
        });
        serde_json::json!({ "keys": [key] }).to_string()
    }

    /// A challenge token with these claims.
    pub(crate) fn token(&self, claims: &serde_json::Value) -> String {
        let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{STEP_UP_KEY_ID}"}}"#);
        let mut token =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.0.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

/// A signed call.
pub(crate) struct Call {
    /// Whose call it is. Strangers' calls share no user, so a record can be found by it.
    pub(crate) user_id: String,
    /// The whole HTTP/1.1 request, headers and body.
    pub(crate) request: Box<[u8]>,
}

impl Call {
    /// The same request, its last byte another one: the signature names the same key, has the right form, and is wrong.
    pub(crate) fn forged(&self) -> Box<[u8]> {
        let mut request = self.request.clone();
        if let Some(last) = request.last_mut() {
            *last = b' ';
        }
        request
    }
}

fn user_id(at: usize, seed: Seed) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bits = seed.at(at).wide();
    let mut id = format!("usr_{at:09}");
    for _ in 0..18 {
        let digit = usize::try_from(bits % 62).unwrap_or(0);
        bits /= 62;
        id.extend(ALPHABET.get(digit).copied().map(char::from));
    }
    id
}

/// What tells one kind of call from another: where it comes from and what it wants to move.
struct Kind {
    ip: String,
    platform: &'static str,
    amount: u64,
    currency: &'static str,
}

/// Twenty kinds in turn, so that every rule of the bench's bundle but two decides some calls and most calls are
/// compared with all of them.
fn kind(at: usize, seed: Seed) -> Kind {
    let draw = seed.at(at).narrow();
    let host = draw % 250 + 1;
    let mut kind = Kind { ip: format!("192.0.2.{host}"), platform: "WEB", amount: 0, currency: "USD" };
    match at % 20 {
        0 => kind = Kind { ip: format!("198.51.100.{host}"), amount: 120, ..kind },
        1 => kind.amount = 60_000,
        2 => kind = Kind { amount: 25_000, currency: "EUR", ..kind },
        3 => kind.amount = 12_000,
        4 => kind = Kind { platform: "IOS", amount: 6_000, ..kind },
        5 => kind = Kind { ip: format!("203.0.113.{}", draw % 100 + 1), amount: 1_500, ..kind },
        6 => kind = Kind { ip: format!("2001:db8:1::{host:x}"), amount: 20, ..kind },
        7..=11 => kind.amount = draw % 49,
        _ => kind.amount = 50 + draw % 900,
    }
    kind
}

fn body(at: usize, user_id: &str, seed: Seed) -> String {
    let Kind { ip, platform, .. } = kind(at, seed);
    let draw = seed.at(at).narrow();
    let phone = 600_000_000 + draw % 99_999_999;
    // INVARIANT: nothing in here needs escaping.
    format!(
        concat!(
            r#"{{"scope_requested":"transfer:write","user_id":"{user_id}","identifiers":["#,
            r#"{{"type":"email_address","value":"user{at}@example.com"}},"#,
            r#"{{"type":"phone_number","value":"+33{phone}"}}],"signals":{{"user_agent":"#,
            r#""Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36","platform":"{platform}","#,
            r#""ip":"{ip}"}},"metadata":{metadata}}}"#
        ),
        user_id = user_id,
        at = at,
        phone = phone,
        platform = platform,
        ip = ip,
        metadata = metadata(at, seed),
    )
}

/// What a call says of the transfer, as JSON; the challenge that follows from it says the same.
pub(crate) fn metadata(at: usize, seed: Seed) -> String {
    let Kind { amount, currency, .. } = kind(at, seed);
    let draw = seed.at(at).narrow();
    format!(
        r#"{{"amount":"{amount}.{cents:02}","currency":"{currency}","payee":"DE{payee:018}"}}"#,
        cents = draw % 99 + 1,
        payee = draw % 1_000_000,
    )
}

fn request(body: &str, signature: &str) -> Box<[u8]> {
    format!(
        "POST /hooks/stepup HTTP/1.1\r\nHost: doorstep.bench\r\n\
         User-Agent: Prelude-SessionStepUpHook/1.0\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nX-Webhook-Signature-Key-Id: {KEY_ID}\r\n\
         X-Webhook-Signature: rsassa-pss-sha256={signature}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
    .into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_calls_share_a_user_and_each_body_is_json() {
        let seed = Seed::new(7);
        let users: std::collections::BTreeSet<_> = (0..500).map(|at| user_id(at, seed)).collect();
        assert_eq!(users.len(), 500);
        for (at, user) in users.iter().enumerate() {
            let body: serde_json::Value = serde_json::from_str(&body(at, user, seed)).expect("JSON");
            assert_eq!(body["user_id"], user.as_str());
            assert!(body["metadata"]["payee"].as_str().is_some_and(|payee| payee.len() == 20));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bodies() {
        assert_eq!(body(3, "usr_a", Seed::new(1)), body(3, "usr_a", Seed::new(1)));
        assert_ne!(body(8, "usr_a", Seed::new(1)), body(8, "usr_a", Seed::new(2)));
    }
}
