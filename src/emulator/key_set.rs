//! Our key set as Prelude reads it: fetched by URL, kept for ten minutes, fetched again for an unknown key id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::courier::Courier;
use super::refusal::{Refusal, RefusalCode};
use super::strict_json;

/// How long a fetched set is used without asking again, in seconds (docs/CONTRACT.md C7).
const CACHED_FOR_SECONDS: i64 = 600;

/// The smallest modulus that is taken, in bits (RFC 7518 §3.3).
const MODULUS_BITS_MIN: usize = 2048;

/// What a published key consists of, neither less nor more (docs/CONTRACT.md C7).
const KEY_MEMBERS: [&str; 6] = ["kty", "kid", "use", "alg", "n", "e"];

/// A key set that kept every rule.
#[derive(Debug)]
pub(super) struct KeySet(Vec<(String, RsaPublicKey)>);

impl KeySet {
    /// Reads a key set. One bad key spoils it: it was published by somebody who was wrong.
    ///
    /// # Errors
    /// The broken rule in words.
    ///
    /// # Reference
    /// docs/CONTRACT.md C7; RFC 7517 §5; RFC 7518 §6.3.1
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let set = strict_json::parse_object(body).ok_or("the key set is not a JSON object")?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or("the key set has no list of keys")?;
        if listed.is_empty() {
            return Err("the key set is empty");
        }
        let mut keys: Vec<(String, RsaPublicKey)> = Vec::with_capacity(listed.len());
        for key in listed {
            let (kid, key) = parse_key(key.as_object().ok_or("a key is not an object")?)?;
            if keys.iter().any(|(known, _)| *known == kid) {
                return Err("two keys have the same kid");
            }
            keys.push((kid, key));
        }
        Ok(Self(keys))
    }

    /// The key with this id.
    pub(super) fn find(&self, kid: &str) -> Option<&RsaPublicKey> {
        self.0.iter().find(|(known, _)| known == kid).map(|(_, key)| key)
    }
}

fn parse_key(key: &Map<String, Value>) -> Result<(String, RsaPublicKey), &'static str> {
    if !key.keys().all(|name| KEY_MEMBERS.contains(&name.as_str())) {
        return Err("a key has a member besides kty, kid, use, alg, n and e");
    }
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    if text("kty") != Some("RSA") {
        return Err("a key's kty is not RSA");
    }
    if text("use") != Some("sig") {
        return Err("a key's use is not sig");
    }
    if text("alg") != Some("RS256") {
        return Err("a key's alg is not RS256");
    }
    let kid = text("kid").filter(|kid| !kid.is_empty()).ok_or("a key has no kid")?;
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text(name)?).ok()?;
        let is_shortest = bytes.first().is_some_and(|first| *first != 0);
        is_shortest.then(|| BigUint::from_bytes_be(&bytes))
    };
    let n = number("n").ok_or("a key's n is not a number in shortest base64url")?;
    let e = number("e").ok_or("a key's e is not a number in shortest base64url")?;
    let public = RsaPublicKey::new(n, e).map_err(|_| "a key is not an RSA key of up to 4096 bits")?;
    if public.n().bits() < MODULUS_BITS_MIN {
        return Err("a key is shorter than 2048 bits");
    }
    Ok((kid.to_owned(), public))
}

/// The key set behind a URL.
#[derive(Debug)]
pub(super) struct RemoteKeySet {
    url: String,
    cached: Mutex<Option<Cached>>,
}

#[derive(Debug)]
struct Cached {
    set: KeySet,
    fetched_at: i64,
}

impl RemoteKeySet {
    /// Stands for the set behind `url`; nothing is fetched yet.
    pub(super) fn new(url: String) -> Self {
        Self { url, cached: Mutex::new(None) }
    }

    /// The address that it is fetched from.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The key with an id: from the cache while that is younger than ten minutes and has it, or else fetched.
    ///
    /// # Errors
    /// `invalid_verification_token` when the set cannot be had, breaks a rule or does not have the key. A failed
    /// fetch leaves the cache as it was.
    ///
    /// # Reference
    /// docs/CONTRACT.md C7
    pub(super) async fn key(&self, courier: &Courier, kid: &str, now: i64) -> Result<RsaPublicKey, Refusal> {
        let mut cached = self.cached.lock().await;
        let fresh =
            cached.as_ref().filter(|cached| now.saturating_sub(cached.fetched_at) < CACHED_FOR_SECONDS);
        if let Some(key) = fresh.and_then(|fresh| fresh.set.find(kid)) {
            return Ok(key.clone());
        }
        let set = self.fetch(courier).await.map_err(refused)?;
        let key = set.find(kid).cloned();
        *cached = Some(Cached { set, fetched_at: now });
        key.ok_or(refused("the key set has no key with this kid"))
    }

    async fn fetch(&self, courier: &Courier) -> Result<KeySet, &'static str> {
        let reply = courier.get(&self.url).await.map_err(|_| "the key set could not be fetched")?;
        if reply.status != 200 {
            return Err("the key set was not answered with 200");
        }
        if reply.is_too_long() {
            return Err("the key set is over 64 KB");
        }
        KeySet::parse(&reply.body)
    }
}

const fn refused(detail: &'static str) -> Refusal {
    Refusal::new(RefusalCode::InvalidVerificationToken, detail)
}

#[cfg(test)]
mod tests;
