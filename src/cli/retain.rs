//! `doorstep retain`: what has had its time goes, over the connection that may delete.

use super::arguments::Format;
use super::desk::{refuse, sentence};
use super::{Exit, output};
use crate::app::{RetainError, Retained, Retainer, anchor_seal};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;

pub(super) async fn run(settings: Settings, format: Format) -> Exit {
    if let Some(file) = settings.store.url.missing_file() {
        let words = format!("There is no store at {}: check --store or store.url.", file.display());
        return refuse(Exit::Failed, &words);
    }
    let office = match boot::open_care_office(&settings, Sources::real()).await {
        Ok(office) => office,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let exit = retain(&office, &settings, format).await;
    office.close().await;
    exit
}

async fn retain(office: &Office, settings: &Settings, format: Format) -> Exit {
    let digest = match office.identifier_digest(settings).await {
        Ok(digest) => digest,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let (store, now) = (office.store(), office.now());
    // Servers need not do it again within the hour.
    if let Err(error) = store.take_retention_turn(now, now).await {
        return refuse(Exit::Failed, &sentence(&error));
    }
    let actor = office.operator().to_string().into();
    let retainer = Retainer { store, terms: settings.retention, actor, now, seal: anchor_seal(&digest) };
    match retainer.run(None).await {
        Ok(gone) => {
            output::say(&match format {
                Format::Json => serde_json::to_string(&gone).unwrap_or_default(),
                Format::Human => in_words(&gone),
            });
            Exit::Fine
        }
        Err(error @ (RetainError::Needed(_) | RetainError::Unreadable)) => {
            refuse(Exit::Failed, &format!("Nothing is deleted: {}.", output::with_causes(&error)))
        }
        Err(error) => {
            let words = "Not all is deleted; doing it again goes on";
            refuse(Exit::Failed, &format!("{words}: {}.", output::with_causes(&error)))
        }
    }
}

fn in_words(gone: &Retained) -> String {
    let rows = gone.rows();
    let told = rows
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {}", what.replace('_', " ")));
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        "Nothing has had its time.".to_owned()
    } else {
        format!("Gone: {}.", told.join(", "))
    }
}
