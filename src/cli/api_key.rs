//! `doorstep api-key`: make, list and withdraw API keys, straight in the store.

use secrecy::ExposeSecret;

use super::arguments::{ApiKeyCommand, CreateOptions, Format};
use super::{Exit, output};
use crate::app::{ApiKeyDraft, ApiKeyRevocation, create_api_key, revoke_api_key};
use crate::boot;
use crate::config::Settings;
use crate::domain::{ApiKeyId, ApiKeyRecord, Approver, Role, Scope, StepKey, Timestamp};

const SECONDS_PER_DAY: u64 = 86_400;

pub(super) async fn run(settings: Settings, command: ApiKeyCommand, format: Format) -> Exit {
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let exit = match command {
        ApiKeyCommand::Create(options) => create(&office, options).await,
        ApiKeyCommand::List => list(&office, format).await,
        ApiKeyCommand::Revoke { id } => revoke(&office, &id).await,
    };
    office.close().await;
    exit
}

async fn create(office: &boot::Office, options: CreateOptions) -> Exit {
    let now = office.now();
    let draft = match draft(options, now) {
        Ok(draft) => draft,
        Err(fault) => {
            output::complain(&fault);
            return Exit::Usage;
        }
    };
    match create_api_key(office.store(), draft, now, office.random()).await {
        Ok(made) => {
            output::complain(&format!(
                "API key {} for {} ({}). It is shown this once; keep it like a password.",
                made.record.id,
                made.record.name,
                names(&made.record.roles)
            ));
            output::say(made.key.expose_secret());
            Exit::Fine
        }
        Err(error) => failed(&error),
    }
}

fn draft(options: CreateOptions, now: Timestamp) -> Result<ApiKeyDraft, String> {
    // INVARIANT: clap let only known roles and approvers through.
    let roles = options.roles.iter().filter_map(|role| Role::parse(role)).collect();
    let scopes = options.scopes.iter().map(|text| Scope::new(text)).collect::<Result<_, _>>();
    let steps = options.steps.iter().map(|text| StepKey::new(text)).collect::<Result<_, _>>();
    let life = |days: u32| now.plus(std::time::Duration::from_secs(u64::from(days) * SECONDS_PER_DAY));
    Ok(ApiKeyDraft {
        name: options.name,
        roles,
        approves_as: options.approves_as.as_deref().and_then(Approver::parse),
        scopes: scopes.map_err(|fault| format!("A --scope {fault}."))?,
        steps: steps.map_err(|fault| format!("A --step {fault}."))?,
        expires_at: options.days.map(life),
    })
}

async fn list(office: &boot::Office, format: Format) -> Exit {
    let keys = match office.store().api_keys().await {
        Ok(keys) => keys,
        Err(error) => return failed(&error),
    };
    match format {
        Format::Json => output::say(&serde_json::Value::from_iter(keys.iter().map(as_json)).to_string()),
        Format::Human => keys.iter().for_each(|key| output::say(&as_line(key, office.now()))),
    }
    Exit::Fine
}

async fn revoke(office: &boot::Office, id: &str) -> Exit {
    let Ok(id) = ApiKeyId::new(id) else {
        output::complain("That is no id of an API key: `doorstep api-key list` shows them.");
        return Exit::Usage;
    };
    match revoke_api_key(office.store(), &id, office.now()).await {
        Ok(ApiKeyRevocation::Revoked) => {
            output::complain("Withdrawn. Every process refuses the key within five seconds.");
            Exit::Fine
        }
        Ok(ApiKeyRevocation::AlreadyRevoked) => {
            output::complain("That key was withdrawn before.");
            Exit::Fine
        }
        Ok(ApiKeyRevocation::Unknown) => {
            output::complain("There is no such key: `doorstep api-key list` shows them.");
            Exit::Failed
        }
        Err(error) => failed(&error),
    }
}

fn as_json(key: &ApiKeyRecord) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "name": key.name,
        "roles": key.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "approves_as": key.approves_as.as_ref().map(ToString::to_string),
        "scopes": key.scopes,
        "steps": key.steps,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    })
}

fn as_line(key: &ApiKeyRecord, now: Timestamp) -> String {
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "ended",
    };
    format!("{}  {:<8}{}  [{}]", key.id, state, key.name, names(&key.roles))
}

fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

fn failed(error: &dyn std::error::Error) -> Exit {
    output::complain(&output::with_causes(error));
    Exit::Failed
}
