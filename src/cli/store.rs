//! `doorstep store`: care for the record, beside a running server.

use std::path::Path;

use super::arguments::{Format, StoreCommand};
use super::{Exit, output};
use crate::app::back_up;
use crate::boot;
use crate::config::{Settings, StoreUrl};

pub(super) async fn run(settings: Settings, command: StoreCommand, format: Format) -> Exit {
    let file = match command {
        StoreCommand::Backup { file } => file,
        StoreCommand::Copy { from, to } => return copy(&settings, (&from, &to), format).await,
    };
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
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

async fn copy(settings: &Settings, (from, to): (&StoreUrl, &StoreUrl), format: Format) -> Exit {
    if let Some(file) = from.missing_file() {
        output::complain(&format!("There is no store at {}: check --from.", file.display()));
        return Exit::Failed;
    }
    let tables = match boot::copy_store(settings, (from, to)).await {
        Ok(tables) => tables,
        Err(error) => {
            output::complain(&format!("{} Nothing was copied.", output::with_causes(&error)));
            return Exit::Failed;
        }
    };
    match format {
        Format::Json => {
            let told = tables.iter().map(|table| {
                serde_json::json!({ "table": table.name, "rows": table.rows, "checksum": table.checksum() })
            });
            output::say(&serde_json::json!({ "tables": told.collect::<Vec<_>>() }).to_string());
        }
        Format::Human => {
            for table in &tables {
                output::say(&format!("{:<20} {:>10} rows  {}", table.name, table.rows, table.checksum()));
            }
            output::say(
                "Every row arrived as it was sent. Set store.url to the database, and start the servers.",
            );
        }
    }
    Exit::Fine
}
