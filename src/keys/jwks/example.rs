//! For the description of the API.

use serde_json::Value;

use super::RenderedJwks;
use crate::domain::Kid;

/// A key set of one key, whose modulus is shortened.
pub(crate) fn key_set() -> Value {
    let kid = Kid::new("2mZ0b6h9cQmWb5qUe3jKk1nVtYxXzR8sGfDpLwAoTiE").expect("a name");
    let set = RenderedJwks::of(
        [(&kid, "u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0", "AQAB")].into_iter(),
    );
    serde_json::from_str(set.body()).expect("JSON")
}
