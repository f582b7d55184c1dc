//! Request bodies: JSON objects, read strictly.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use serde_json::{Map, Value};

use super::super::strict_json;
use super::Fault;

/// The members of a request body; each must be asked for by its name.
#[derive(Debug)]
pub(in crate::emulator) struct Body(Map<String, Value>);

impl Body {
    /// Reads a body that is declared to be JSON and is an object with no members but these.
    ///
    /// # Errors
    /// `bad_request`.
    pub(in crate::emulator) fn read(
        request: &HttpRequest,
        bytes: &web::Bytes,
        known: &[&str],
    ) -> Result<Self, Fault> {
        let body = Self(read_object(request, bytes)?);
        body.only(known)?;
        Ok(body)
    }

    /// The same for a body that may be left out.
    ///
    /// # Errors
    /// `bad_request`.
    pub(in crate::emulator) fn read_optional(
        request: &HttpRequest,
        bytes: &web::Bytes,
        known: &[&str],
    ) -> Result<Self, Fault> {
        if bytes.is_empty() { Ok(Self(Map::new())) } else { Self::read(request, bytes, known) }
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// `bad_request`.
    pub(in crate::emulator) fn text(&self, name: &str) -> Result<&str, Fault> {
        self.optional_text(name)?.ok_or_else(|| Fault::bad_request(format!("{name} is missing")))
    }

    /// Text that may be left out.
    ///
    /// # Errors
    /// `bad_request` for anything else than text.
    pub(in crate::emulator) fn optional_text(&self, name: &str) -> Result<Option<&str>, Fault> {
        let value = self.0.get(name);
        let text = value
            .map(|value| value.as_str().ok_or_else(|| Fault::bad_request(format!("{name} is not text"))));
        text.transpose()
    }

    /// A member, whatever it is.
    pub(in crate::emulator) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn only(&self, known: &[&str]) -> Result<(), Fault> {
        if self.0.keys().all(|name| known.contains(&name.as_str())) {
            return Ok(());
        }
        Err(Fault::bad_request(format!("the body has a member besides {}", known.join(", "))))
    }
}

/// Reads a body that is declared to be JSON and is an object.
///
/// # Errors
/// `bad_request`.
pub(in crate::emulator) fn read_object(
    request: &HttpRequest,
    bytes: &web::Bytes,
) -> Result<Map<String, Value>, Fault> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|name| name.eq_ignore_ascii_case("application/json")) {
        return Err(Fault::bad_request("the body is not declared to be JSON"));
    }
    strict_json::parse_object(bytes)
        .ok_or_else(|| Fault::bad_request("the body is not a JSON object without doubles"))
}
