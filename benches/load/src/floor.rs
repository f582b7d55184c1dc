//! The floor: what a hook call must cost with these parts, as plainly as they can be put together.
//!
//! actix-web with one worker, one RSA-PSS verification, one parse into a struct, ten rules written in Rust, and a row
//! that is durable before the answer leaves. No configuration, no errors worth reading, no logs: whatever Doorstep costs
//! beyond this is the price of what it does beyond this.

mod audit;
mod rules;
mod signature;

use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::web::{Bytes, Data, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use crate::fault::{Outcome, While as _};
use audit::{Audit, Row};
use rules::{HookCall, Ruling};
use signature::Verifier;

/// How much of the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Read the body, answer a fixed verdict.
    Echo,
    /// Verify, parse and judge as well.
    Verify,
    /// Record as well, and answer after the commit.
    Full,
    /// As `full`, but answer before the commit: a broken promise that the kill test must notice.
    Early,
}

impl Mode {
    /// The mode's word on the command line.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Verify => "verify",
            Self::Full => "full",
            Self::Early => "early",
        }
    }
}

/// What the floor is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How much of the work to do.
    #[arg(long, value_enum, default_value = "full")]
    mode: Mode,
    /// Where to listen.
    #[arg(long)]
    bind: SocketAddr,
    /// The signing key's public part, PKCS #1 DER.
    #[arg(long)]
    public_key: PathBuf,
    /// The SQLite file, made if it is not there.
    #[arg(long)]
    store: PathBuf,
}

struct Floor {
    mode: Mode,
    verifier: Verifier,
    audit: Audit,
}

/// Serves until it is told to stop.
///
/// # Errors
/// When key, store or address cannot be used; nothing is served then.
pub(crate) fn serve(options: &Options) -> Outcome<()> {
    actix_web::rt::System::new().block_on(async {
        let floor = Data::new(Floor {
            mode: options.mode,
            verifier: Verifier::read(&options.public_key)?,
            audit: Audit::open(&options.store).await?,
        });
        HttpServer::new(move || {
            App::new()
                .app_data(Data::clone(&floor))
                .route("/hooks/stepup", post().to(hook))
                .route("/readyz", get().to(HttpResponse::Ok))
        })
        .workers(1)
        .bind(options.bind)
        .doing("binding the floor")?
        .run()
        .await
        .doing("serving the floor")
    })
}

async fn hook(request: HttpRequest, body: Bytes, floor: Data<Floor>) -> HttpResponse {
    if floor.mode == Mode::Echo {
        return verdict(Ruling::ECHO);
    }
    if !floor.verifier.accepts(request.headers(), &body) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(call) = serde_json::from_slice::<HookCall<'_>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(ruling) = rules::judge(&call) else {
        return HttpResponse::BadRequest().finish();
    };
    if floor.mode == Mode::Verify {
        return verdict(ruling);
    }
    let recorded = floor.audit.record(Row::of(&call, ruling));
    if floor.mode == Mode::Early {
        return verdict(ruling);
    }
    if recorded.await { verdict(ruling) } else { HttpResponse::ServiceUnavailable().finish() }
}

fn verdict(ruling: Ruling) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(ruling.answer)
}
