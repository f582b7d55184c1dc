//! `doorstep api-key`: make, list and withdraw API keys, straight in the store.

use std::path::Path;

use secrecy::ExposeSecret;

use super::arguments::{ApiKeyCommand, CreateOptions, Format};
use super::{Exit, output};
use crate::app::{ApiKeyDraft, ApiKeyRevocation, create_api_key, revoke_api_key};
use crate::boot::{self, Sources};
use crate::config::Settings;
use crate::domain::{ApiKeyId, ApiKeyRecord, Approver, Role, Scope, StepKey, Timestamp};

const SECONDS_PER_DAY: u64 = 86_400;

/// How long a key's name may be, in characters: it stands in one line of `list`.
const NAME_CHARS_MAX: usize = 100;

/// A command whose words are all right.
enum Task {
    Create(ApiKeyDraft),
    List,
    Revoke(ApiKeyId),
}

pub(super) async fn run(settings: Settings, command: ApiKeyCommand, format: Format) -> Exit {
    let sources = Sources::real();
    let task = match prepare(&settings, command, sources.clock.now()) {
        Ok(task) => task,
        Err((exit, words)) => {
            output::complain(&words);
            return exit;
        }
    };
    let office = match boot::open_office(&settings, sources).await {
        Ok(office) => office,
        Err(error) => return failed(&error),
    };
    let exit = match task {
        Task::Create(draft) => create(&office, draft).await,
        Task::List => list(&office, format).await,
        Task::Revoke(id) => revoke(&office, &id).await,
    };
    office.close().await;
    exit
}

/// Judges all that can be judged before the store is opened, so that a wrong word changes nothing.
fn prepare(settings: &Settings, command: ApiKeyCommand, now: Timestamp) -> Result<Task, (Exit, String)> {
    let absent = settings.store.url.missing_file();
    match command {
        ApiKeyCommand::Create(options) => {
            let draft = draft(options, now).map_err(|words| (Exit::Usage, words))?;
            if let Some(file) = absent {
                output::complain(&format!("There is no store at {} yet: making it.", file.display()));
            }
            Ok(Task::Create(draft))
        }
        ApiKeyCommand::Revoke { id } => {
            let id = ApiKeyId::new(&id).map_err(|_| {
                let words = "That is no id of an API key: `doorstep api-key list` shows them.";
                (Exit::Usage, words.to_owned())
            })?;
            absent.map_or(Ok(Task::Revoke(id)), |file| Err(no_store(file)))
        }
        ApiKeyCommand::List => absent.map_or(Ok(Task::List), |file| Err(no_store(file))),
    }
}

/// Who lists or withdraws means a store that is there: another one, made on the spot, would have no key to show.
fn no_store(file: &Path) -> (Exit, String) {
    (Exit::Failed, format!("There is no store at {}: check --store or store.url.", file.display()))
}

async fn create(office: &boot::Office, draft: ApiKeyDraft) -> Exit {
    match create_api_key(office.store(), draft, office.now(), office.random()).await {
        Ok(made) => {
            output::complain(&format!(
                "API key {} for {} ({}). It is shown this once; keep it like a password.",
                made.record.id,
                made.record.name,
                powers(&made.record)
            ));
            match output::hand_over(made.key.expose_secret()) {
                Ok(()) => Exit::Fine,
                Err(error) => {
                    output::complain(&format!("The key could not be printed: {error}. It is withdrawn."));
                    withdraw(office, &made.record.id).await
                }
            }
        }
        Err(error) => failed(&error),
    }
}

/// Withdraws a key that nobody got.
async fn withdraw(office: &boot::Office, id: &ApiKeyId) -> Exit {
    if let Err(error) = revoke_api_key(office.store(), id, office.now()).await {
        output::complain(&output::with_causes(&error));
    }
    Exit::Failed
}

fn draft(options: CreateOptions, now: Timestamp) -> Result<ApiKeyDraft, String> {
    let name_chars = options.name.chars().count();
    if options.name.trim().is_empty()
        || name_chars > NAME_CHARS_MAX
        || options.name.contains(char::is_control)
    {
        return Err(format!("A --name has 1 to {NAME_CHARS_MAX} characters and is one line."));
    }
    // INVARIANT: clap let only known roles and approvers through.
    let roles: Vec<Role> = options.roles.iter().filter_map(|role| Role::parse(role)).collect();
    let approves_as = options.approves_as.as_deref().and_then(Approver::parse);
    if roles.contains(&Role::Approver) != approves_as.is_some() {
        return Err("--role approver and --approves-as go together: say `backend` or `person`.".to_owned());
    }
    let scopes = options.scopes.iter().map(|text| Scope::new(text)).collect::<Result<_, _>>();
    let steps = options.steps.iter().map(|text| StepKey::new(text)).collect::<Result<_, _>>();
    let life = |days: u32| now.plus(std::time::Duration::from_secs(u64::from(days) * SECONDS_PER_DAY));
    Ok(ApiKeyDraft {
        name: options.name,
        roles,
        approves_as,
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

async fn revoke(office: &boot::Office, id: &ApiKeyId) -> Exit {
    match revoke_api_key(office.store(), id, office.now()).await {
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
    let mut line = format!("{}  {state:<8}{}  [{}]", key.id, key.name, powers(key));
    for limit in key.scopes.iter().map(ToString::to_string).chain(key.steps.iter().map(ToString::to_string)) {
        line.push_str(&format!("  only {limit}"));
    }
    if let Some(end) = key.expires_at {
        line.push_str(&format!("  until {end}"));
    }
    line
}

/// What a key may do, for people: `opener, approver as backend`.
fn powers(key: &ApiKeyRecord) -> String {
    let power = |role: &Role| match (role, &key.approves_as) {
        (Role::Approver, Some(approver)) => format!("approver as {approver}"),
        _ => role.to_string(),
    };
    key.roles.iter().map(power).collect::<Vec<_>>().join(", ")
}

fn failed(error: &dyn std::error::Error) -> Exit {
    output::complain(&output::with_causes(error));
    Exit::Failed
}
