//! The floor of a mint: the request is read, a message as long as a token's is signed with RS256 under a key that stays parsed,
//! and the token is answered. Nothing is looked up, checked or recorded.

use std::net::SocketAddr;

use actix_web::web::{Bytes, Data, get, post};
use actix_web::{App, HttpResponse, HttpServer};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::{Outcome, While as _};

/// A header and claims as a verification token has them.
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}"#;
const CLAIMS: &str = concat!(
    r#"{"sub":"usr_000000001ABCDEFGHIJKLMNOPQR","challenge_id":"chl_0000000000000001","key":"kyc_review","#,
    r#""status":"completed","exp":1790000310,"nbf":1790000005,"iat":1790000010,"#,
    r#""jti":"0123456789abcdef0123456789abcdef"}"#
);

/// What the floor is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct FloorOptions {
    /// Where to listen.
    #[arg(long)]
    bind: SocketAddr,
}

struct Signer {
    key: RsaKeyPair,
    message: String,
}

/// Serves until it is told to stop.
///
/// # Errors
/// When no key can be made or the address cannot be used; nothing is served then.
pub(crate) fn serve(options: &FloorOptions) -> Outcome<()> {
    actix_web::rt::System::new().block_on(async {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).doing("making the floor's key")?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(CLAIMS));
        let signer = Data::new(Signer { key, message });
        HttpServer::new(move || {
            App::new()
                .app_data(Data::clone(&signer))
                .route("/v1/verifications/{id}/token", post().to(mint))
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

async fn mint(_body: Bytes, signer: Data<Signer>) -> HttpResponse {
    let mut signature = vec![0; signer.key.public_modulus_len()];
    let signed =
        signer.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signer.message.as_bytes(), &mut signature);
    if signed.is_err() {
        return HttpResponse::InternalServerError().finish();
    }
    let token = format!("{}.{}", signer.message, URL_SAFE_NO_PAD.encode(signature));
    HttpResponse::Created()
        .content_type("application/json")
        .body(format!(r#"{{"verification_token":"{token}"}}"#))
}
