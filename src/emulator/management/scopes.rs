//! The application's scopes: one must exist before a step-up for it can be allowed.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::super::site::{Body, Fault, World};
use super::{moment, note};

/// The most scopes that are kept.
const SCOPES_MAX: usize = 1000;

/// The longest scope, in characters; not documented.
const SCOPE_CHARACTERS_MAX: usize = 256;

/// Prelude's own names begin so.
const RESERVED: &str = "prld:";

/// The reserved scopes that exist.
const RESERVED_SCOPES: [&str; 4] =
    ["prld:pwd:write", "prld:passkey:write", "prld:phone:register", "prld:email:register"];

/// The scopes that were made, with the moment of it.
#[derive(Debug, Default)]
pub(super) struct Scopes(BTreeMap<String, i64>);

impl Scopes {
    /// Makes a scope.
    ///
    /// # Errors
    /// `bad_request` for a name that cannot be one, `conflict` for one that exists.
    ///
    /// # Reference
    /// docs/CONTRACT.md C2.1, C8
    pub(super) fn add(&mut self, scope: &str, now: i64) -> Result<(), Fault> {
        let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if scope.is_empty() || scope.len() > SCOPE_CHARACTERS_MAX || !scope.bytes().all(alphabet) {
            return Err(Fault::bad_request("scope is not 1 to 256 characters of a-z A-Z 0-9 . - _ :"));
        }
        if scope.starts_with(RESERVED) && !RESERVED_SCOPES.contains(&scope) {
            return Err(Fault::bad_request("scope begins as Prelude's own do and is none of them"));
        }
        if self.has(scope) {
            return Err(Fault::conflict("the scope exists"));
        }
        if self.0.len() >= SCOPES_MAX {
            return Err(Fault::bad_request("the emulator keeps no more scopes"));
        }
        self.0.insert(scope.to_owned(), now);
        Ok(())
    }

    /// Whether a scope was made.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.0.contains_key(scope)
    }
}

fn shown((scope, created_at): (&String, &i64)) -> Value {
    json!({ "scope": scope, "created_at": moment(*created_at) })
}

/// `GET …/config/scopes`.
pub(super) async fn list(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let configured = world.management.configured();
    let scopes: Vec<Value> = configured.scopes.0.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "scopes": scopes })))
}

/// `POST …/config/scopes` with `{scope}`.
pub(super) async fn create(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let body = Body::read(&request, &bytes, &["scope"])?;
    let scope = body.text("scope")?;
    let now = world.clock.now();
    world.management.configured().scopes.add(scope, now)?;
    note(&world, "scopes", &json!(scope));
    Ok(HttpResponse::Created().json(shown((&scope.to_owned(), &now))))
}
