//! For the description of the API.

use super::{Finding, Readiness};
use crate::domain::shape::{BUNDLE, Shape};

fn finding(code: &'static str, detail: &str) -> Finding {
    Finding { code, detail: detail.to_owned() }
}

pub(crate) fn ready() -> Shape {
    Shape::of(&Readiness { status: "ready", bundle: BUNDLE.to_owned(), problems: vec![], warnings: vec![] })
}

pub(crate) fn not_ready() -> Shape {
    let detail = "Prelude's key set for hook calls could not be confirmed for 24 hours or was never fetched.";
    Shape::of(&Readiness {
        status: "not_ready",
        bundle: BUNDLE.to_owned(),
        problems: vec![finding("no_trusted_key_set", detail)],
        warnings: vec![],
    })
}
