//! Who calls: by access token, by proof of a key, by the cookie of a code that is under way.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HOST};

use super::super::super::access_token;
use super::super::super::challenge_token::{self, Presented};
use super::super::super::dpop::{self, Proof, Proven};
use super::super::super::people::Session;
use super::super::{Fault, World};
use super::locked;

/// A header's text.
///
/// # Errors
/// `bad_request` for one that stands twice or is not text.
pub(super) fn header<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, Fault> {
    let mut values = request.headers().get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Fault::bad_request(format!("{name} stands twice")));
    }
    value.to_str().map(Some).map_err(|_| Fault::bad_request(format!("{name} is not text")))
}

/// A cookie's value, if it came once.
pub(super) fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let lines = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// What `Set-Cookie` says to give a page a cookie of this name, or to take it away (`None`). The page is another site's, even
/// on this machine (its scheme is another), and browsers send such cookies back only where each site has its own.
pub(super) fn set_cookie(name: &str, value: Option<&str>) -> (&'static str, String) {
    let life = if value.is_some() { "" } else { "; Max-Age=0" };
    let value = value.unwrap_or_default();
    ("Set-Cookie", format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=None; Partitioned{life}"))
}

/// The session of the caller, by its access token.
///
/// # Errors
/// `unauthorized`: the SDK refreshes then.
pub(super) fn bearer(world: &World, request: &HttpRequest) -> Result<Session, Fault> {
    let refused = || Fault::unauthorized("the access token is not good");
    let token = header(request, AUTHORIZATION.as_str())?.and_then(|value| value.strip_prefix("Bearer "));
    let held = access_token::take_back(token.ok_or_else(refused)?, &world.identity, world.clock.now());
    let (_, session_id) = held.ok_or_else(refused)?;
    locked(&world.front.people).session(&session_id).cloned().ok_or_else(refused)
}

/// The proof of a request that carries a nonce of ours.
///
/// # Errors
/// `missing_dpop_proof`, `invalid_dpop_proof`, `use_dpop_nonce`.
pub(super) fn fresh_proof(world: &World, request: &HttpRequest) -> Result<Proof, Fault> {
    let proof = proof(world, request)?;
    world.front.nonces.take(&proof, world.clock.now())?;
    Ok(proof)
}

/// A challenge token that is genuine, in its time, and shown by the session that walks the challenge: the proof is by
/// the session's key and carries the token's `jti`.
///
/// # Errors
/// `invalid_challenge_token`, `expired_challenge_token`, `missing_dpop_proof`, `invalid_dpop_proof`,
/// `dpop_key_mismatch`.
pub(super) fn proven_challenge(
    world: &World,
    request: &HttpRequest,
    challenge_token: &str,
) -> Result<(Presented, Session), Fault> {
    let presented = challenge(world, challenge_token)?;
    let proof = proof(world, request)?;
    if proof.jti != presented.jti {
        return Err(Fault::new(400, "invalid_dpop_proof", "jti is not the challenge token's"));
    }
    let session_id = locked(&world.front.challenges).standing(&presented)?.session_id;
    let session = locked(&world.front.people).session(&session_id).cloned();
    let session = session.ok_or_else(|| Fault::unauthorized("the session has ended"))?;
    if session.thumbprint != proof.thumbprint {
        return Err(Fault::new(400, "dpop_key_mismatch", "the session is another key's"));
    }
    Ok((presented, session))
}

/// A challenge token that is genuine and in its time.
///
/// # Errors
/// `invalid_challenge_token`, `expired_challenge_token`.
pub(super) fn challenge(world: &World, challenge_token: &str) -> Result<Presented, Fault> {
    let taken = challenge_token::take_back(challenge_token, world.identity.step_up_key(), world.clock.now());
    Ok(taken?)
}

fn proof(world: &World, request: &HttpRequest) -> Result<Proof, Fault> {
    let url = url(world, request)?;
    let machine_now = world.clock.machine_now();
    let proven = Proven { method: request.method().as_str(), url: &url, machine_now };
    dpop::read(header(request, "DPoP")?, proven)
}

/// The address that was called, without query; it must be one that the certificate is good for.
fn url(world: &World, request: &HttpRequest) -> Result<String, Fault> {
    let host = header(request, HOST.as_str())?.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    if !world.names.iter().any(|known| known == name) {
        return Err(Fault::bad_request("Host is not a name of the emulator's"));
    }
    Ok(format!("https://{host}{}", request.path()))
}
