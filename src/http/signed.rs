//! What Prelude signed, on its way in: within every limit, and verified before anything of it is parsed.

use actix_web::HttpRequest;
use actix_web::web::Payload;

use super::Server;
use super::extract::{BodyLimits, caller_trace, json_body, signature_headers};
use super::limits::Sender;
use super::problem::Refusal;
use crate::app::CallRefusal;
use crate::prelude::SignedCall;
use crate::spans;

/// Reads and verifies a call; it counts as being worked on from when its body is here.
///
/// - returns: also who sent it. Say [`Sender::proved`] once nothing speaks against the sender: it is never refused then, however
///   many wrong ones come.
///
/// # Errors
/// As [`json_body`]; 401 for a signature that is not Prelude's; 429 for a client that sends wrong ones again and again; 503 when
/// too many calls are worked on, or no key set is trusted.
pub(super) async fn read<'s>(
    request: &HttpRequest,
    payload: Payload,
    (server, limits): (&'s Server, BodyLimits),
) -> Result<(SignedCall, Sender<'s>), Refusal> {
    // An answer before the body would close the connection, and that may be a proxy's, which honest calls share.
    let body = json_body(request, payload, limits).await?;
    let sender = server.limits.signer(request, server.app.now())?;
    server.limits.enter(request)?;
    match server.app.verify_call(signature_headers(request), &body).await {
        Ok(call) => {
            spans::follow(|| caller_trace(request));
            Ok((call, sender))
        }
        Err(refusal) => {
            if matches!(refusal, CallRefusal::Signature(_)) {
                sender.failed();
            }
            Err(refusal.into())
        }
    }
}
