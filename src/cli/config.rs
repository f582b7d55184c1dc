//! `doorstep config`: every option, from the same table that reads and checks them.

use super::arguments::Format;
use super::output;
use crate::config::reference;

pub(super) fn run(format: Format) {
    let rows = reference();
    match format {
        Format::Json => {
            let rows = rows.iter().map(|row| {
                serde_json::json!({
                    "key": row.key, "variable": row.variable, "type": row.kind, "default": row.default, "doc": row.doc,
                })
            });
            output::say(&serde_json::Value::from_iter(rows).to_string());
        }
        Format::Human => {
            for row in rows {
                let about = format!("  {}\n  Type: {}. Default: {}.", row.doc, row.kind, row.default);
                output::say(&format!("{}  ({})\n{about}\n", row.key, row.variable));
            }
        }
    }
}
