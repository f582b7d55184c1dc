//! `doorstep erase-user`: a user's personal values, out of the record.

use serde_json::json;

use super::arguments::{EraseOptions, Format};
use super::desk::{refuse, sentence};
use super::{Exit, output};
use crate::app::{EraseError, erase_queued, erase_user};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;
use crate::domain::UserId;

/// Erases a user, or without one everybody who waits for it.
pub(super) async fn run(settings: Settings, options: EraseOptions, format: Format) -> Exit {
    // Without an id it is everybody who waits: that is what `--queued` says.
    let Ok(user_id) = options.id.map(|id| UserId::new(&id)).transpose() else {
        return refuse(Exit::Usage, "That is no id of a user.");
    };
    if let Some(file) = settings.store.url.missing_file() {
        let words = format!("There is no store at {}: check --store or store.url.", file.display());
        return refuse(Exit::Failed, &words);
    }
    let office = match boot::open_care_office(&settings, Sources::real()).await {
        Ok(office) => office,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let exit = erase(&office, &settings, user_id, format).await;
    office.close().await;
    exit
}

async fn erase(office: &Office, settings: &Settings, user_id: Option<UserId>, format: Format) -> Exit {
    let digest = match office.identifier_digest(settings).await {
        Ok(digest) => digest,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let store = office.store();
    let erased = match user_id {
        Some(user_id) => {
            let by = (office.operator(), office.now());
            erase_user(store, &digest, by, user_id).await.map(|erased| (None, erased))
        }
        None => erase_queued(store, &digest, office.now()).await.map(|(users, erased)| (Some(users), erased)),
    };
    match erased {
        Ok((users, erased)) => {
            let whose = users.map_or_else(String::new, |users| format!(" of {users} users"));
            output::say(&match (format, users) {
                (Format::Json, None) => json!(erased).to_string(),
                (Format::Json, Some(users)) => {
                    let (decisions, verifications) = (erased.decisions, erased.verifications);
                    json!({ "users": users, "decisions": decisions, "verifications": verifications })
                        .to_string()
                }
                (Format::Human, _) => format!(
                    "Erased{whose}: the personal values of {} decisions, the metadata of {} verifications.",
                    erased.decisions, erased.verifications
                ),
            });
            output::complain(
                "Not erased: the user's id, verdicts, keyed digests, what people wrote as reasons, entries of lists, copies and \
                 backups made before.",
            );
            Exit::Fine
        }
        Err(EraseError::OnHold(hold)) => {
            let until = hold.until.map_or_else(|| "it ends".to_owned(), |until| until.to_string());
            let words = format!(
                "Nothing is erased: the user is on legal hold since {} until {until} ({}). `doorstep holds end` ends it.",
                hold.held_at, hold.reason
            );
            refuse(Exit::Failed, &words)
        }
        Err(error) => {
            let words = "Not all is erased; what was, stays erased, and doing it again goes on";
            refuse(Exit::Failed, &format!("{words}: {}.", output::with_causes(&error)))
        }
    }
}
