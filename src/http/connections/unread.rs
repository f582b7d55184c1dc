//! Bodies that come in chunks.
//!
//! actix reads on what is left of one, without an end in bytes or time, once nobody holds the body any more; while somebody does,
//! it closes the connection after the answer, within a second. So a connection holds the body of its last such request.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::web::Bytes;
use futures_util::Stream;

/// A body that is held until the connection ends or has another.
#[derive(Default)]
pub(in crate::http) struct Body(RefCell<Option<Rc<RefCell<Payload>>>>);

/// What the handler reads of it.
struct Reading(Rc<RefCell<Payload>>);

impl Body {
    /// Holds a request's body, if it comes in chunks.
    pub(in crate::http) fn hold(&self, request: &mut ServiceRequest) {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return;
        }
        let held = Rc::new(RefCell::new(request.take_payload()));
        self.0.replace(Some(Rc::clone(&held)));
        request.set_payload(Payload::Stream { payload: Box::pin(Reading(held)) });
    }
}

impl Stream for Reading {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}
