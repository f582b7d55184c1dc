//! For the description of the API.

use super::{Body, RedeemRequest, Redeemed};
use crate::app::body::Fields;
use crate::domain::DecisionId;
use crate::domain::shape::{ID, Shape, moment, scope, user};

pub(crate) fn request() -> Shape {
    let shape = Shape::of(&Body {
        user_id: user().to_string(),
        scope: scope().to_string(),
        metadata: Some(Fields::of(&[("amount", "15000.00"), ("currency", "USD")])),
    });
    RedeemRequest::from_json(shape.example.to_string().as_bytes()).expect("a request");
    shape
}

pub(crate) fn redeemed() -> Shape {
    Shape::of(&Redeemed {
        decision_id: DecisionId::parse(ID).expect("an id"),
        redeemed_at: moment(120),
        user_id: &user(),
        scope: &scope(),
        verdict: "review",
        received_at: moment(0),
        usable_until: moment(900),
    })
}
