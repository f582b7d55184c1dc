//! The step-up configuration: read by the contract in either of its two shapes, kept, shown as it was sent.

mod allowed;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

pub(super) use allowed::Allowed;
pub(in crate::emulator) use allowed::Decision;

use super::super::answer::{COMPLETED, MANAGED_STEP_KEYS};
use super::super::site::{Fault, World, read_object};
use super::scopes::Scopes;
use super::{Rules, moment, note};

/// The most step keys and the most allowed scopes; not documented.
const ENTRIES_MAX: usize = 1000;

/// A configuration that keeps every rule.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct StepUpConfig {
    /// As it was sent.
    sent: Map<String, Value>,
    /// The customer's key set; there is one as soon as a scope is delegated.
    jwks_url: Option<String>,
    /// The custom step keys.
    custom_steps: Vec<String>,
    allowed: Vec<Allowed>,
}

impl StepUpConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `bad_request` with the first rule that it breaks.
    ///
    /// # Reference
    /// docs/CONTRACT.md C8
    pub(super) fn read(sent: Map<String, Value>, scopes: &Scopes, rules: Rules) -> Result<Self, Fault> {
        let addresses = rules.addresses;
        let known = ["jwks_url", "step_keys", "allowed_scopes", "signal_hook_url"];
        only(&sent, "the body", &known)?;
        let address = |name: &str| {
            let address = optional_text(&sent, name)?.filter(|address| !address.is_empty());
            address.map_or(Ok(()), |address| addresses.check(name, address))?;
            Ok::<_, Fault>(address.map(str::to_owned))
        };
        let (jwks_url, signal_hook_url) = (address("jwks_url")?, address("signal_hook_url")?);
        let custom_steps = custom_steps(list(&sent, "step_keys")?)?;
        let listed = list(&sent, "allowed_scopes")?;
        let allowed = match &signal_hook_url {
            Some(hook_url) => allowed::older_shape(listed, hook_url)?,
            None => allowed::newer_shape(listed, &custom_steps, addresses)?,
        };
        if let Some(unknown) = allowed.iter().find(|allowed| !scopes.has(&allowed.scope)) {
            return Err(Fault::bad_request(format!("the scope {} does not exist", unknown.scope)));
        }
        let needs_key_set = !custom_steps.is_empty()
            || allowed.iter().any(|allowed| matches!(allowed.decision, Decision::Delegated { .. }));
        if needs_key_set && jwks_url.is_none() {
            return Err(Fault::bad_request("jwks_url is missing, and a scope is delegated or a step custom"));
        }
        allowed.iter().try_for_each(|allowed| rules.unwalkable.judge(&allowed.scope, &allowed.decision))?;
        Ok(Self { sent, jwks_url, custom_steps, allowed })
    }

    /// The address of the customer's key set.
    pub(in crate::emulator) fn jwks_url(&self) -> Option<&str> {
        self.jwks_url.as_deref()
    }

    /// The custom step keys.
    pub(in crate::emulator) fn custom_steps(&self) -> &[String] {
        &self.custom_steps
    }

    /// Who decides about a scope for a user with identifiers of these types; `None` where nobody allowed it.
    pub(in crate::emulator) fn decision(&self, scope: &str, identifier_types: &[&str]) -> Option<&Decision> {
        let fits = |allowed: &&Allowed| match &allowed.decision {
            Decision::Delegated { .. } | Decision::Managed => true,
            Decision::Direct { identifier_types: needed, .. } => {
                needed.iter().any(|needed| identifier_types.contains(&needed.as_str()))
            }
        };
        let mut entries = self.allowed.iter().filter(|allowed| allowed.scope == scope);
        entries.find(fits).map(|allowed| &allowed.decision)
    }

    /// Whether somebody allowed a scope, for whichever user.
    pub(in crate::emulator) fn allows(&self, scope: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.scope == scope)
    }
}

fn custom_steps(listed: &[Value]) -> Result<Vec<String>, Fault> {
    let mut keys: Vec<String> = Vec::with_capacity(listed.len());
    for entry in listed {
        let entry = entry.as_object().ok_or_else(|| Fault::bad_request("a step key is not an object"))?;
        only(entry, "a step key", &["key", "description"])?;
        text(entry, "description")?;
        let key = text(entry, "key")?;
        let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if key.is_empty() || !key.bytes().all(alphabet) {
            return Err(Fault::bad_request("a step key has a character outside its alphabet"));
        }
        if key == COMPLETED || MANAGED_STEP_KEYS.contains(&key) {
            return Err(Fault::bad_request("a step key is a word of Prelude's own"));
        }
        if keys.iter().any(|known| known == key) {
            return Err(Fault::bad_request("a step key stands twice"));
        }
        keys.push(key.to_owned());
    }
    Ok(keys)
}

fn only(map: &Map<String, Value>, whose: &str, known: &[&str]) -> Result<(), Fault> {
    if map.keys().all(|name| known.contains(&name.as_str())) {
        return Ok(());
    }
    Err(Fault::bad_request(format!("{whose} has a member besides {}", known.join(", "))))
}

fn optional_text<'a>(map: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Fault> {
    let not_text = || Fault::bad_request(format!("{name} is not text"));
    map.get(name).map(|value| value.as_str().ok_or_else(not_text)).transpose()
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Result<&'a str, Fault> {
    optional_text(map, name)?.ok_or_else(|| Fault::bad_request(format!("{name} is missing")))
}

fn list<'a>(map: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Fault> {
    let listed = map.get(name).and_then(Value::as_array);
    let listed = listed.ok_or_else(|| Fault::bad_request(format!("{name} is missing or not a list")))?;
    if listed.len() > ENTRIES_MAX {
        return Err(Fault::bad_request(format!("{name} has too many entries")));
    }
    Ok(listed)
}

/// A configuration with its times.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) config: StepUpConfig,
    created_at: i64,
    updated_at: i64,
}

impl Kept {
    /// A configuration that is new now.
    pub(super) const fn new(config: StepUpConfig, now: i64) -> Self {
        Self { config, created_at: now, updated_at: now }
    }

    /// `{config: {…, created_at, updated_at}}`.
    fn shown(&self) -> Value {
        let mut config = self.config.sent.clone();
        config.insert("created_at".to_owned(), json!(moment(self.created_at)));
        config.insert("updated_at".to_owned(), json!(moment(self.updated_at)));
        json!({ "config": config })
    }
}

fn none_yet() -> Fault {
    Fault::not_found("there is no step-up configuration")
}

/// `GET …/config/stepup`.
pub(super) async fn show(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let shown = world.management.configured().step_up.as_ref().map(Kept::shown);
    Ok(HttpResponse::Ok().json(shown.ok_or_else(none_yet)?))
}

/// `POST …/config/stepup`: makes the configuration where there is none.
pub(super) async fn create(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let sent = read_object(&request, &bytes)?;
    let shown = {
        let mut configured = world.management.configured();
        if configured.step_up.is_some() {
            return Err(Fault::conflict("there is a step-up configuration"));
        }
        let config = StepUpConfig::read(sent, &configured.scopes, world.management.rules)?;
        configured.step_up.insert(Kept::new(config, world.clock.now())).shown()
    };
    note(&world, "stepup", &shown);
    Ok(HttpResponse::Created().json(shown))
}

/// `PUT …/config/stepup`: replaces the whole configuration.
pub(super) async fn replace(
    world: web::Data<World>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    let sent = read_object(&request, &bytes)?;
    let shown = {
        let mut configured = world.management.configured();
        let created_at = configured.step_up.as_ref().ok_or_else(none_yet)?.created_at;
        let config = StepUpConfig::read(sent, &configured.scopes, world.management.rules)?;
        let kept = Kept { created_at, ..Kept::new(config, world.clock.now()) };
        configured.step_up.insert(kept).shown()
    };
    note(&world, "stepup", &shown);
    Ok(HttpResponse::Ok().json(shown))
}

/// `DELETE …/config/stepup`.
pub(super) async fn remove(world: web::Data<World>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    world.management.admit(&request)?;
    world.management.configured().step_up.take().ok_or_else(none_yet)?;
    note(&world, "stepup", &Value::Null);
    Ok(HttpResponse::NoContent().finish())
}
