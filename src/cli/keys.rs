//! `doorstep keys`: signing keys listed, made, withdrawn and taken in, straight in the store beside running servers.

use std::io::Read as _;
use std::path::Path;

use serde_json::json;

use super::arguments::{Format, KeysCommand, PublicForm};
use super::desk::{refuse, sentence};
use super::{Exit, output};
use crate::app::{KeyList, MadeKey, SigningKeys, Successor, Withdrawn, exported_jwks, exported_pem};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;
use crate::domain::Kid;

/// The longest file that is read: a key of 4096 bits has some 3300 characters.
const PEM_BYTES_MAX: u64 = 65_536;

/// A command whose words are all right.
enum Task {
    List(u32),
    Export(Option<Kid>, PublicForm),
    Rotate,
    Revoke(Kid),
    Import(String),
    Reseal,
}

pub(super) async fn run(settings: Settings, command: KeysCommand, format: Format) -> Exit {
    let task = match prepare(&settings, command) {
        Ok(task) => task,
        Err(exit) => return exit,
    };
    let office = match boot::open_office(&settings, Sources::real()).await {
        Ok(office) => office,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let exit = match task {
        Task::List(actions) => list(&office, actions, format).await,
        Task::Export(kid, form) => export(&office, kid.as_ref(), form).await,
        other => match office.signing_keys(&settings).await {
            Ok(keys) => act(&office, &keys, other, format).await,
            Err(error) => refuse(Exit::Failed, &sentence(&error)),
        },
    };
    office.close().await;
    exit
}

/// Judges all that can be judged before the store is opened, so that a wrong word changes nothing.
fn prepare(settings: &Settings, command: KeysCommand) -> Result<Task, Exit> {
    let named = |kid: &str| {
        let words = "That is no id of a signing key: `doorstep keys list` shows them.";
        Kid::new(kid).map_err(|_| refuse(Exit::Usage, words))
    };
    let task = match command {
        KeysCommand::List { actions } => Task::List(actions),
        KeysCommand::Rotate => Task::Rotate,
        KeysCommand::Revoke { kid } => Task::Revoke(named(&kid)?),
        KeysCommand::Import { file } => Task::Import(read(&file)?),
        KeysCommand::ExportPublic { kid, form, .. } => {
            Task::Export(kid.as_deref().map(named).transpose()?, form)
        }
        KeysCommand::Reseal => Task::Reseal,
    };
    if let Some(file) = settings.store.url.missing_file() {
        let words = format!("There is no store at {}: check --store or store.url.", file.display());
        return Err(refuse(Exit::Failed, &words));
    }
    Ok(task)
}

/// Reads a file or standard input, as far as a key can be long.
fn read(file: &Path) -> Result<String, Exit> {
    let mut text = String::new();
    let done = if file == Path::new("-") {
        std::io::stdin().lock().take(PEM_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(PEM_BYTES_MAX).read_to_string(&mut text))
    };
    match done {
        Ok(_) => Ok(text),
        Err(error) => Err(refuse(Exit::Failed, &format!("Cannot read {}: {error}.", file.display()))),
    }
}

async fn list(office: &Office, actions: u32, format: Format) -> Exit {
    let store = office.store();
    let (ledger, actions) = match (store.key_ledger().await, store.key_actions(actions).await) {
        (Ok(ledger), Ok(actions)) => (ledger, actions),
        (Err(error), _) | (_, Err(error)) => return refuse(Exit::Failed, &sentence(&error)),
    };
    if ledger.keys.is_empty() {
        output::complain("There is no signing key yet: `doorstep serve` makes the first one.");
    }
    let list = KeyList::of(&ledger, actions, office.now());
    print(format, &list, || list.to_string());
    Exit::Fine
}

async fn export(office: &Office, kid: Option<&Kid>, form: PublicForm) -> Exit {
    let ledger = match office.store().key_ledger().await {
        Ok(ledger) => ledger,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let text = match form {
        PublicForm::Jwks => Ok(exported_jwks(&ledger, kid, office.now())),
        PublicForm::Pem => exported_pem(&ledger, kid, office.now()),
    };
    match text {
        Ok(Some(text)) => {
            output::say(&text);
            Exit::Fine
        }
        Ok(None) => no_such_key(),
        Err(error) => refuse(Exit::Failed, &sentence(&error)),
    }
}

async fn act(office: &Office, keys: &SigningKeys, task: Task, format: Format) -> Exit {
    let by = office.operator();
    let done = match task {
        Task::Rotate => keys.rotate(by).await.map(|made| tell_made(&made, "Made", format)),
        Task::Import(pem) => keys.import(&pem, by).await.map(|made| tell_made(&made, "Took in", format)),
        Task::Revoke(kid) => keys.revoke(&kid, by).await.map(|revoked| tell_revoked(&revoked, format)),
        Task::Reseal => keys.reseal(by).await.map(|done| {
            print(format, &done, || {
                format!(
                    "{} signing keys and {} other secrets are sealed anew.",
                    done.signing_keys, done.secrets
                )
            });
            output::complain(
                "Everything is sealed under keys.encryption_key. Once every server has it, take \
                 keys.previous_encryption_key away.",
            );
            Exit::Fine
        }),
        Task::List(_) | Task::Export(..) => return Exit::Fine,
    };
    done.unwrap_or_else(|error| refuse(Exit::Failed, &sentence(&error)))
}

fn tell_made(made: &MadeKey, done: &str, format: Format) -> Exit {
    print(format, made, || made.kid.to_string());
    output::complain(&format!("{done} the key {}. It signs from {} on.", made.kid, made.activate_at));
    Exit::Fine
}

fn tell_revoked(revoked: &Withdrawn, format: Format) -> Exit {
    let (signer, in_flight) = match revoked {
        Withdrawn::Done { signer, in_flight } => (signer, in_flight),
        Withdrawn::Before => {
            print(format, revoked, String::new);
            output::complain("That key was withdrawn before.");
            return Exit::Fine;
        }
        Withdrawn::Unknown => return no_such_key(),
    };
    if format == Format::Json {
        output::say(&json!(revoked).to_string());
    }
    let signer = match signer {
        Some(Successor::SignsAnyway { kid }) => format!("The key {kid} signs, as before."),
        Some(Successor::CalledUp { kid }) => format!("The key {kid}, which was pending, signs from now on."),
        Some(Successor::Made { kid }) => format!("The key {kid} was made for it and signs from now on."),
        None => "No key is left to sign: `doorstep keys rotate` makes one.".to_owned(),
    };
    output::complain(&format!("Withdrawn, in every process within five seconds. {signer}"));
    output::complain(&format!(
        "Tokens in flight: {} that it signed have not ended. Prelude refuses them, and any that somebody else signed with \
         it, as soon as it fetches the key set; it may trust the key until {}. The users behind them do their step again.",
        in_flight.tokens, in_flight.trusted_until
    ));
    Exit::Fine
}

fn no_such_key() -> Exit {
    refuse(Exit::Failed, "There is no such signing key: `doorstep keys list` shows them.")
}

/// Prints data as it was asked for; nothing where there is nothing for people.
fn print(format: Format, data: &impl serde::Serialize, human: impl FnOnce() -> String) {
    match format {
        Format::Json => output::say(&json!(data).to_string()),
        Format::Human => {
            let text = human();
            if !text.is_empty() {
                output::say(&text);
            }
        }
    }
}
