//! For the description of the API.

use super::MintedToken;
use crate::domain::shape::{ID, Shape, moment};

pub(crate) fn minted() -> Shape {
    Shape::of(&MintedToken {
        verification_token: "eyJhbGciOiJSUzI1NiIsImtpZCI6IuKApiJ9.eyJzdWIiOiLigKYifQ.c2lnbmF0dXJl",
        expires_at: moment(390),
        kid: "2mZ0b6h9cQmWb5qUe3jKk1nVtYxXzR8sGfDpLwAoTiE",
        jti: "5e1b7c90d2a34f68b1c3d5e7f9082a4c".to_owned(),
        verification_id: Some(ID.to_owned()),
        user_id: "usr_39CfbdV8AsXQwdphtbJe4yH07aF",
        challenge_id: "chl_01h8",
        step_key: "kyc_review",
        scope: "transfer:write",
    })
}
