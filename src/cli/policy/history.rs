//! `doorstep policy history`: which policy came into force when, straight from the store.

use serde_json::Value;

use crate::app::{Activation, stored_activations};
use crate::boot;
use crate::cli::arguments::Format;
use crate::cli::{Exit, output};
use crate::config::Settings;

/// How much of a hash tells bundles apart for people.
const HASH_CHARS_SHOWN: usize = 12;

pub(super) async fn run(settings: Settings, limit: u32, format: Format) -> Exit {
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let found = stored_activations(office.store(), limit).await;
    office.close().await;
    match (found, format) {
        (Ok(activations), Format::Json) => {
            output::say(&serde_json::to_string(&activations).unwrap_or_default());
        }
        (Ok(activations), Format::Human) => activations.iter().for_each(|own| output::say(&line(own))),
        (Err(error), _) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    }
    Exit::Fine
}

/// `2026-09-21T14:13:20Z  ba60a1b2c3d4  watch  +1 -0 ~2 rules`.
fn line(activation: &Activation) -> String {
    let hash: String = activation.bundle.chars().take(HASH_CHARS_SHOWN).collect();
    let changes = activation.changes.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
    let changes = changes.map_or(String::new(), |changes: Value| {
        let count = |what: &str| {
            let parts = changes.get("rules").and_then(Value::as_array).into_iter().flatten();
            parts.filter_map(|part| part.get(what)?.as_array()).map(Vec::len).sum::<usize>()
        };
        format!("  +{} -{} ~{} rules", count("added"), count("removed"), count("changed"))
    });
    format!("{}  {hash}  {}{changes}", activation.at, activation.trigger)
}
