//! For the description of the API.

use super::{Body, FactReport, Told};
use crate::domain::shape::{Shape, moment, user};
use crate::domain::{FactId, FactKind};

pub(crate) fn request() -> Shape {
    let shape = Shape::of(&Body {
        user_id: user().to_string(),
        kind: "chargeback".to_owned(),
        at: Some(moment(-86_400).to_string()),
        id: Some("cb-77".to_owned()),
    });
    FactReport::from_json(shape.example.to_string().as_bytes(), moment(0)).expect("a report");
    shape
}

pub(crate) fn recorded() -> Shape {
    Shape::of(&Told {
        user_id: &user(),
        kind: &FactKind::new("chargeback").expect("a kind"),
        at: moment(-86_400),
        id: Some(&FactId::new("cb-77").expect("an id")),
        recorded_at: moment(0),
    })
}
