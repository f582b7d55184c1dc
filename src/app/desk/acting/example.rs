//! For the description of the API: what is sent is read again here, so that no example is refused for its form.

use super::{EntryBody, PauseBody, read_entry, read_pause};
use crate::domain::shape::{Shape, end, user};

pub(crate) fn entry() -> Shape {
    let body = EntryBody { value: user().to_string(), until: Some(end()), reason: "case 4711".to_owned() };
    let shape = Shape::of(&body);
    read_entry(shape.example.to_string().as_bytes()).expect("an entry");
    shape
}

pub(crate) fn pause() -> Shape {
    let shape = Shape::of(&PauseBody { until: Some(end()), reason: "fraud wave".to_owned() });
    read_pause(shape.example.to_string().as_bytes()).expect("a pause");
    shape
}
