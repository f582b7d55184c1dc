//! Proofs that whoever sends a request holds a key (DPoP), as the SDK makes them, judged strictly.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::EmulatorError;
use super::compact;
use super::identity::fresh_id;
use super::site::Fault;

/// How far a proof's `iat` may be from the machine's time, in seconds.
const SKEW_SECONDS_MAX: i64 = 60;

/// How long a nonce may be used, in seconds of the emulator's time.
const NONCE_GOOD_FOR_SECONDS: i64 = 300;

/// The most nonces and proof ids together that are remembered.
const REMEMBERED_MAX: usize = 100_000;

/// What a request was, as its proof must name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proven<'a> {
    /// Its method.
    pub(super) method: &'a str,
    /// Its address, without query.
    pub(super) url: &'a str,
    /// The machine's time: the proof's maker has no other.
    pub(super) machine_now: i64,
}

/// A proof that is genuine and for this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// The key's thumbprint.
    pub(super) thumbprint: String,
    /// The proof's own id, or that of the challenge token that it goes with.
    pub(super) jti: String,
    /// The nonce that the emulator gave.
    pub(super) nonce: Option<String>,
}

/// Reads the proof of a request.
///
/// # Errors
/// `missing_dpop_proof`, `invalid_dpop_proof`.
///
/// # Reference
/// RFC 9449 §4.3
pub(super) fn read(header: Option<&str>, proven: Proven<'_>) -> Result<Proof, Fault> {
    let header = header.ok_or_else(|| Fault::new(400, "missing_dpop_proof", "there is no DPoP header"))?;
    let parts = compact::take_apart(header).ok_or_else(|| invalid("not a compact signed token"))?;
    only(&parts.header, &["typ", "alg", "jwk"], "the header has a member besides typ, alg and jwk")?;
    if parts.header_text("typ") != Some("dpop+jwt") || parts.header_text("alg") != Some("ES256") {
        return Err(invalid("typ is not dpop+jwt, or alg not ES256"));
    }
    let (point, thumbprint) = public_key(&parts.header)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
        .verify(parts.signed, &parts.signature)
        .map_err(|_| invalid("the signature is wrong"))?;
    let claims = &parts.claims;
    only(claims, &["jti", "htm", "htu", "iat", "nonce"], "a claim besides jti, htm, htu, iat and nonce")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(proven.method) {
        return Err(invalid("htm is not the request's method"));
    }
    if text("htu") != Some(proven.url) {
        return Err(invalid("htu is not the request's address"));
    }
    let iat = claims.get("iat").and_then(Value::as_i64).ok_or_else(|| invalid("iat is not whole seconds"))?;
    if iat.abs_diff(proven.machine_now) > SKEW_SECONDS_MAX.unsigned_abs() {
        return Err(invalid("iat is too far from now"));
    }
    let jti = text("jti").filter(|jti| !jti.is_empty()).ok_or_else(|| invalid("jti is missing"))?;
    Ok(Proof { thumbprint, jti: jti.to_owned(), nonce: text("nonce").map(str::to_owned) })
}

/// The key that a proof brings along: its point, uncompressed, and its thumbprint (RFC 7638 §3.2).
fn public_key(header: &Map<String, Value>) -> Result<(Vec<u8>, String), Fault> {
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or_else(|| invalid("jwk is missing"))?;
    only(jwk, &["kty", "crv", "x", "y"], "the key has a member besides kty, crv, x and y")?;
    let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("kty"), text("crv")) != ("EC", "P-256") {
        return Err(invalid("the key is not on P-256"));
    }
    let coordinate = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text(name)).ok().filter(|bytes| bytes.len() == 32);
        bytes.ok_or_else(|| invalid("a coordinate is not 32 bytes"))
    };
    let point = [&[4][..], &coordinate("x")?, &coordinate("y")?].concat();
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y"));
    Ok((point, URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))))
}

fn only(map: &Map<String, Value>, known: &[&str], detail: &'static str) -> Result<(), Fault> {
    if map.keys().all(|name| known.contains(&name.as_str())) { Ok(()) } else { Err(invalid(detail)) }
}

fn invalid(detail: &'static str) -> Fault {
    Fault::new(400, "invalid_dpop_proof", detail)
}

/// The nonces that were given, and the proofs that were seen.
#[derive(Debug, Default)]
pub(super) struct Nonces(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// Nonce and moment of issue.
    given: HashMap<String, i64>,
    /// Key and proof id, and moment of use.
    seen: HashMap<(String, String), i64>,
}

impl Nonces {
    /// Gives a fresh nonce.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`].
    pub(super) fn give(&self, now: i64) -> Result<String, EmulatorError> {
        let nonce = fresh_id("")?;
        let mut remembered = self.remembered();
        remembered.forget(now);
        remembered.given.insert(nonce.clone(), now);
        Ok(nonce)
    }

    /// Whether a proof carries a nonce of ours in its time and was not seen before; it counts as seen then.
    ///
    /// # Errors
    /// `use_dpop_nonce`, `invalid_dpop_proof`.
    ///
    /// # Reference
    /// RFC 9449 §8, §11.1
    pub(super) fn take(&self, proof: &Proof, now: i64) -> Result<(), Fault> {
        let mut remembered = self.remembered();
        remembered.forget(now);
        if !proof.nonce.as_ref().is_some_and(|nonce| remembered.given.contains_key(nonce)) {
            return Err(Fault::new(
                400,
                "use_dpop_nonce",
                "the proof has no nonce, or one that is not good now",
            ));
        }
        let used = (proof.thumbprint.clone(), proof.jti.clone());
        if remembered.seen.insert(used, now).is_some() {
            return Err(invalid("the proof was used before"));
        }
        Ok(())
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Forgets what is too old to matter; all of it where there is more than is remembered.
    fn forget(&mut self, now: i64) {
        let is_young = |at: &i64| now.saturating_sub(*at) < NONCE_GOOD_FOR_SECONDS;
        self.given.retain(|_, at| is_young(at));
        self.seen.retain(|_, at| is_young(at));
        if self.given.len() + self.seen.len() > REMEMBERED_MAX {
            self.given.clear();
            self.seen.clear();
        }
    }
}

#[cfg(test)]
mod tests;
