//! What whoever calls may take of this server. Nothing here asks anybody: every answer comes from memory of a fixed size.

mod allowances;
mod client;
mod failures;
mod in_flight;
mod spending;

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage as _, HttpRequest};

use self::allowances::Allowances;
pub(super) use self::client::Client;
use self::client::Proxies;
pub(super) use self::failures::Sender;
use self::failures::{Failures, Judged};
use self::in_flight::{InFlight, Slot};
use self::spending::{Allowance, Spending};
use super::problem::{Refusal, too_many_in_flight, too_many_requests};
use crate::config::ServerSettings;
use crate::domain::Timestamp;
use crate::metrics::Fill;

/// Over how long what needs no key may be asked for at once.
const OPEN_SPAN: Duration = Duration::from_secs(10);
/// Lines about refusals of callers whom nobody knows, in the log a minute; what is beyond is told as a number.
const LINES_PER_MINUTE: u32 = 300;

/// The limits of one server, shared by its threads.
pub(super) struct Limits {
    proxies: Proxies,
    head_bytes_max: usize,
    in_flight: InFlight,
    open: Allowances,
    key_sets: Allowances,
    signatures: Failures,
    api_keys: Failures,
    lines: Mutex<Lines>,
}

/// Lines about refusals: what was spent of them, and how many were left out since the last.
#[derive(Default)]
struct Lines {
    spent: Spending,
    left_out: u64,
}

impl Limits {
    /// Sets every limit as the operator wants it.
    pub(super) fn new(settings: &ServerSettings) -> Self {
        let minute = Duration::from_secs(60);
        let together = settings.failures_per_second_max;
        let failures =
            |a_minute| Failures::new(Judged { a_minute: Allowance::of(a_minute, minute), together });
        let open = |a_second: u32| Allowances::each(Allowance::of(a_second.saturating_mul(10), OPEN_SPAN));
        Self {
            proxies: Proxies::new(settings.trusted_proxies.clone()),
            head_bytes_max: settings.head_bytes_max,
            in_flight: InFlight::at_most(settings.in_flight_max),
            open: open(settings.open_requests_per_second),
            key_sets: open(settings.key_set_requests_per_second),
            signatures: failures(settings.failed_signatures_per_minute),
            api_keys: failures(settings.failed_api_keys_per_minute),
            lines: Mutex::default(),
        }
    }

    /// Whether a request's address and headers are longer than they may be.
    pub(super) fn has_too_long_head(&self, request: &ServiceRequest) -> bool {
        let headers = request.headers().iter();
        let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let uri = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        headers + uri > self.head_bytes_max
    }

    /// Counts a request for what needs neither signature nor key.
    ///
    /// # Errors
    /// 429 for one too many of a client that did not prove itself within a day.
    pub(super) fn open_request(&self, request: &HttpRequest, now: Timestamp) -> Result<(), Refusal> {
        self.take((&self.open, "open_requests"), request, now)
    }

    /// Counts a request for our key set: whoever floods other addresses must not keep Prelude from it.
    ///
    /// # Errors
    /// As [`Limits::open_request`].
    pub(super) fn key_set_request(&self, request: &HttpRequest, now: Timestamp) -> Result<(), Refusal> {
        self.take((&self.key_sets, "key_set_requests"), request, now)
    }

    fn take(
        &self,
        (allowances, cause): (&Allowances, &'static str),
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let client = self.client(request);
        let may = allowances.take(client, now) || self.knows(client, now);
        if may { Ok(()) } else { Err(too_many_requests(cause)) }
    }

    /// Whether a client proved itself within a day, by a signature or an API key.
    fn knows(&self, client: Client, now: Timestamp) -> bool {
        self.signatures.knows(client, now) || self.api_keys.knows(client, now)
    }

    /// Lets in whoever brings something signed, or says that nobody looks at it.
    ///
    /// # Errors
    /// 429 for a client that signs wrongly again and again; nothing of the call was looked at.
    pub(super) fn signer(&self, request: &HttpRequest, now: Timestamp) -> Result<Sender<'_>, Refusal> {
        let sender = self.signatures.admit(self.client(request), now);
        sender.ok_or_else(|| too_many_requests("failed_signatures"))
    }

    /// Lets in whoever brings an API key, or says that nobody looks at it.
    ///
    /// # Errors
    /// 429 for a client that brings wrong ones again and again; nothing was looked up.
    pub(super) fn key_bearer(&self, request: &HttpRequest, now: Timestamp) -> Result<Sender<'_>, Refusal> {
        let sender = self.api_keys.admit(self.client(request), now);
        sender.ok_or_else(|| too_many_requests("failed_api_keys"))
    }

    /// Counts a call as being worked on, until its request goes or [`Limits::leave`].
    ///
    /// # Errors
    /// 503 when there are as many as there may be.
    pub(super) fn enter(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let slot = self.in_flight.enter().ok_or_else(too_many_in_flight)?;
        request.extensions_mut().insert(slot);
        Ok(())
    }

    /// The call is not worked on any more: it waits for something to happen.
    pub(super) fn leave(request: &HttpRequest) {
        request.extensions_mut().remove::<Slot>();
    }

    /// How many calls are being worked on.
    pub(super) fn in_flight(&self) -> Fill {
        self.in_flight.fill()
    }

    /// Whether a refusal of somebody whom nobody knows gets a line in the log.
    ///
    /// - returns: how many got none since the last that did; `None` for one that gets none.
    pub(super) fn line(&self, now: Timestamp) -> Option<u64> {
        let a_minute = Allowance::of(LINES_PER_MINUTE, Duration::from_secs(60));
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if a_minute.has_room(&mut lines.spent, now) {
            a_minute.charge(&mut lines.spent, now);
            return Some(std::mem::take(&mut lines.left_out));
        }
        lines.left_out += 1;
        None
    }

    /// Whose a connection is; `None` for whoever may have all that there are: one of our proxies, or who proved itself within a day.
    pub(super) fn connecting(&self, peer: IpAddr, now: Timestamp) -> Option<Client> {
        self.proxies.connecting(peer).filter(|client| !self.knows(*client, now))
    }

    fn client(&self, request: &HttpRequest) -> Client {
        self.proxies.client(request.peer_addr(), request.headers())
    }
}
