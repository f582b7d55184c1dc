//! For the description of the API.

use super::WithdrawnShown;
use crate::domain::shape::{ID, Shape};

pub(crate) fn withdrawn() -> Shape {
    Shape::of(&WithdrawnShown { withdrawn: vec![ID.to_owned()] })
}
