//! `doorstep migrate`: brings the tables of the record up to date.

use super::{Exit, output};
use crate::boot;
use crate::config::Settings;

pub(super) async fn run(settings: Settings) -> Exit {
    match boot::migrate(&settings).await {
        Ok(()) => {
            let url = &settings.store.url;
            output::say(&format!("{url}: its tables are those of doorstep {}.", env!("CARGO_PKG_VERSION")));
            Exit::Fine
        }
        Err(error) => {
            output::complain(&output::with_causes(&error));
            Exit::Failed
        }
    }
}
