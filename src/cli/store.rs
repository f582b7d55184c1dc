//! `doorstep store`: care for the record, beside a running server.

use std::path::Path;

use super::arguments::{Format, StoreCommand};
use super::{Exit, output};
use crate::app::back_up;
use crate::boot;
use crate::config::Settings;

pub(super) async fn run(settings: Settings, command: StoreCommand, format: Format) -> Exit {
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let StoreCommand::Backup { file } = command;
    let exit = backup(&office, &file, format).await;
    office.close().await;
    exit
}

async fn backup(office: &boot::Office, file: &Path, format: Format) -> Exit {
    let made = match back_up(office.store(), (office.operator(), office.now()), file).await {
        Ok(made) => made,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let (decisions, bytes) = (made.decisions, made.bytes);
    match format {
        Format::Json => {
            let told = serde_json::json!({ "file": file, "decisions": decisions, "bytes": bytes });
            output::say(&told.to_string());
        }
        Format::Human => output::say(&format!("{}: {decisions} decisions, {bytes} bytes", file.display())),
    }
    Exit::Fine
}
