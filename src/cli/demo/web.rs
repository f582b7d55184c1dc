//! `doorstep demo --web`: the step-up in a browser, with Prelude's own SDK, until it is told to stop.
//!
//! - [`files`]: the example's page, backend and policy, as they were when this program was built.
//! - [`page`]: how they are built, once, into the cache folder. [`tools`]: Node.js and npm, which that needs.
//! - [`scenery`]: Prelude's side and Doorstep. [`backend`]: the customer's backend, a process of its own.

mod backend;
mod files;
mod page;
mod scenery;
mod tools;

use serde_json::json;

use super::super::arguments::{Format, Shared};
use super::super::signals::Signals;
use super::super::{Exit, output};
use super::{DemoError, setup};
use backend::Backend;
use page::Page;
use scenery::Scenery;

pub(super) async fn run(shared: &Shared) -> Exit {
    match show(shared).await {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::complain(&error.to_string());
            Exit::Failed
        }
    }
}

/// Sets everything up, says where it is, and clears it away at the first signal.
async fn show(shared: &Shared) -> Result<(), DemoError> {
    let signals = Signals::listen().map_err(|error| setup(&error))?;
    let page = Page::built().await?;
    let scenery = Scenery::set(shared.policies.as_deref()).await?;
    let shown = perform(&page, &scenery, signals, shared.format).await;
    shown.and(scenery.clear().await)
}

async fn perform(
    page: &Page,
    scenery: &Scenery,
    mut signals: Signals,
    format: Format,
) -> Result<(), DemoError> {
    let mut backend = Backend::start(page, scenery).await?;
    tell(&backend.address, scenery, format);
    tokio::select! {
        () = signals.until_stop(|| ()) => backend.stop().await,
        ended = backend.ended() => Err(ended),
    }
}

fn tell(address: &str, scenery: &Scenery, format: Format) {
    let officer = format!("{address}/officer");
    let domain = scenery.session_domain();
    let (ca_file, policies) =
        (scenery.ca_file().display().to_string(), scenery.policies.display().to_string());
    let text = match format {
        Format::Json => json!({
            "page": address, "officer": officer, "session_domain": domain, "code": scenery.code,
            "ca_file": ca_file, "doorstep": scenery.doorstep_url, "policies": policies,
        })
        .to_string(),
        Format::Human => format!(
            "Open       {address}\n\nYour browser does not know the throw-away certificate: accept it here and, where the page \
             asks for it, at\nhttps://{domain}/ (or let the browser trust {ca_file}).\n\nSign in    with any phone number in \
             the international form; every code is {code}\nOfficer    {officer} approves and rejects identity checks\n\
             Policy     {policies}: change it, and the next transfer is decided by it\nDoorstep   {doorstep}\n\nCtrl-C ends \
             it, and leaves nothing behind but the built page.",
            code = scenery.code,
            doorstep = scenery.doorstep_url,
        ),
    };
    output::say(&text);
}
