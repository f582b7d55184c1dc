//! For the description of the API: what is sent is read again here, so that no example is refused for its form.

use super::{DecisionBody, DecisionRequest, EmptyBody, OpenBody, OpenRequest, WithdrawBody, WithdrawRequest};
use crate::domain::shape::{Shape, scope, user};

pub(crate) fn by_token() -> Shape {
    let body = OpenBody {
        challenge_token: Some(
            "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiLigKYifQ.c2lnbmF0dXJl".to_owned(),
        ),
        user_id: None,
        session_id: None,
        challenge_id: None,
        step_key: None,
        scope: None,
        metadata: None,
        source: None,
    };
    read(Shape::of(&body), |text| OpenRequest::from_json(text).is_ok())
}

pub(crate) fn by_name() -> Shape {
    let body = OpenBody {
        challenge_token: None,
        user_id: Some(user().to_string()),
        session_id: Some("ses_7f3e".to_owned()),
        challenge_id: Some("chl_01h8".to_owned()),
        step_key: Some("kyc_review".to_owned()),
        scope: Some(scope().to_string()),
        metadata: Some(crate::app::body::Fields::of(&[("amount", "15000"), ("currency", "USD")])),
        source: None,
    };
    read(Shape::of(&body), |text| OpenRequest::from_json(text).is_ok())
}

pub(crate) fn decision() -> Shape {
    let body =
        DecisionBody { reason: "passport seen".to_owned(), actor: Some("Ana, second floor".to_owned()) };
    read(Shape::of(&body), |text| DecisionRequest::from_json(text).is_ok())
}

pub(crate) fn withdrawal() -> Shape {
    let body = WithdrawBody {
        verification_id: None,
        session_id: Some("ses_7f3e".to_owned()),
        user_id: None,
        reason: "signed out everywhere".to_owned(),
    };
    read(Shape::of(&body), |text| WithdrawRequest::from_json(text).is_ok())
}

pub(crate) fn nothing() -> Shape {
    read(Shape::of(&EmptyBody {}), |text| super::nothing(text).is_ok())
}

/// Without what is left out, which a request does not say with null.
fn read(mut shape: Shape, reads: impl Fn(&[u8]) -> bool) -> Shape {
    if let Some(members) = shape.example.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let text = shape.example.to_string();
    assert!(reads(text.as_bytes()), "{text}");
    shape
}
