//! For the description of the API.

use super::{EntryBody, PauseBody};
use crate::domain::shape::{Shape, end, user};

pub(crate) fn entry() -> Shape {
    Shape::of(&EntryBody { value: user().to_string(), until: Some(end()), reason: "case 4711".to_owned() })
}

pub(crate) fn pause() -> Shape {
    Shape::of(&PauseBody { until: Some(end()), reason: "fraud wave".to_owned() })
}
