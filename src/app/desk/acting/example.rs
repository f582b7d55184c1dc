//! For the description of the API.

use super::{EntryBody, PauseBody};
use crate::domain::shape::{Shape, moment, user};

pub(crate) fn entry() -> Shape {
    Shape::of(&EntryBody {
        value: user().to_string(),
        until: Some(moment(86_400).to_string()),
        reason: "case 4711".to_owned(),
    })
}

pub(crate) fn pause() -> Shape {
    Shape::of(&PauseBody { until: Some(moment(3600).to_string()), reason: "fraud wave".to_owned() })
}
