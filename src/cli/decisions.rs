//! `doorstep decisions`: recorded decisions, straight from the store.

use super::arguments::{DecisionsCommand, Format};
use super::{Exit, output};
use crate::app::{DecisionsError, stored_decision};
use crate::boot;
use crate::config::Settings;

pub(super) async fn run(settings: Settings, command: DecisionsCommand, format: Format) -> Exit {
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let DecisionsCommand::Explain { id } = command;
    let exit = explain(&office, &id, format).await;
    office.close().await;
    exit
}

async fn explain(office: &boot::Office, id: &str, format: Format) -> Exit {
    let decision = match stored_decision(office.store(), (office.operator(), office.now()), id).await {
        Ok(decision) => decision,
        Err(DecisionsError::NotFound) => {
            output::complain("There is no such decision: `GET /v1/decisions` lists them.");
            return Exit::Failed;
        }
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    match (format, &decision.explanation) {
        (Format::Json, _) => output::say(&serde_json::to_string(&decision).unwrap_or_default()),
        (Format::Human, Some(explanation)) => output::say(&format!("{decision}\n\n{explanation}")),
        (Format::Human, None) => {
            output::say(&decision.to_string());
            output::complain("The policy of that day is not kept, or this version cannot read it.");
        }
    }
    Exit::Fine
}
