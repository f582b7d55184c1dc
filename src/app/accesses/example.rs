//! For the description of the API.

use super::{Access, AccessList};
use crate::domain::shape::{ID, KEY, Shape, moment};

pub(crate) fn list() -> Shape {
    let access = Access {
        at: moment(0),
        actor: format!("api:{KEY}"),
        action: "decisions.read".to_owned(),
        subject: Some(ID.to_owned()),
    };
    Shape::of(&AccessList { accesses: vec![access], next_cursor: None })
}
