//! Spans: what a request goes through, and how long each part takes, for whoever collects traces.
//!
//! Every span and every attribute stands here, so nothing that a caller chose gets into one: routes and codes of ours, scopes,
//! verdicts and rules, numbers. What goes through is the `tracestate` of callers who have shown who they are. Where nobody collects, none is made: [`are_on`] is one load, and the spans are empty.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::field::{Empty, display};
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What spans are filtered by; log lines have other targets.
pub(crate) const TARGET: &str = "doorstep_spans";

/// The header that says to which trace a request belongs (W3C Trace Context, level 1).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The header in which those who collect a trace keep notes for each other (W3C Trace Context §3.3).
pub(crate) const TRACESTATE: &str = "tracestate";

/// The longest `tracestate`, in bytes; a longer one counts as missing.
const STATE_BYTES_MAX: usize = 512;
/// The most members of one.
const STATE_MEMBERS_MAX: usize = 32;

static ON: AtomicBool = AtomicBool::new(false);

/// Has spans made from now on.
pub(crate) fn switch_on() {
    ON.store(true, Ordering::Relaxed);
}

/// Whether somebody collects spans.
pub(crate) fn are_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A request from its head to its answer.
///
/// - `route`: the pattern that it matched; `None` for an address that leads nowhere.
pub(crate) fn request(method: &str, route: Option<&str>) -> Span {
    // A method is a text of the caller's choice.
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter().find(|known| *known == method);
    let (name, method) = known.map_or(("HTTP", "_OTHER"), |known| (known, known));
    let name = route.map_or_else(|| name.to_owned(), |route| format!("{name} {route}"));
    info_span!(
        target: TARGET,
        "request",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        error.type = Empty,
        doorstep.request_id = Empty,
    )
}

/// Says how the request of the current span was answered.
///
/// - `cause`: what log and metrics call a refusal.
pub(crate) fn answered(status: u16, request_id: impl Display, cause: Option<&'static str>) {
    if !are_on() {
        return;
    }
    let span = Span::current();
    // Only signed numbers become numbers of OpenTelemetry; others become text.
    span.record("http.response.status_code", i64::from(status));
    span.record("doorstep.request_id", display(request_id));
    if let Some(cause) = cause {
        span.record("error.type", cause);
    }
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// Makes the request of the current span part of its caller's trace, sampled or not as the caller decided. Only for callers who
/// have shown who they are: a stranger must not decide what is collected, nor write into it.
///
/// - `caller`: `traceparent` and `tracestate` as the headers have them. What is malformed counts as missing; without the first the
///   second is nothing.
pub(crate) fn follow<'r>(caller: impl FnOnce() -> Option<(&'r str, String)>) {
    if !are_on() {
        return;
    }
    let caller = caller().and_then(|(parent, state)| parse(parent, parse_state(&state).unwrap_or_default()));
    if let Some(caller) = caller {
        // It fails where a part of the request has begun a trace already, which then stays its own.
        let _ = Span::current().set_parent(Context::new().with_remote_span_context(caller));
    }
}

/// The headers of a request of ours that say where it belongs: none where there is no trace, and `tracestate` only where the trace
/// is a caller's that has one.
pub(crate) fn departing() -> impl Iterator<Item = (&'static str, String)> {
    let context = are_on().then(|| Span::current().context().span().span_context().clone());
    let own = context.filter(SpanContext::is_valid);
    let state = own.as_ref().map(|own| own.trace_state().header()).filter(|state| !state.is_empty());
    let parent = own.map(|own| {
        let flags = own.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{flags:02x}", own.trace_id(), own.span_id())
    });
    parent.map(|text| (TRACEPARENT, text)).into_iter().chain(state.map(|text| (TRACESTATE, text)))
}

/// Reads a `traceparent`; of versions to come, what this one knows.
///
/// # Reference
/// W3C Trace Context §3.2
fn parse(text: &str, state: TraceState) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !is_whole || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, state);
    context.is_valid().then_some(context)
}

/// Reads a `tracestate`: members of other people's, each key once, within bounds.
///
/// # Reference
/// W3C Trace Context §3.3.1
fn parse_state(text: &str) -> Option<TraceState> {
    if text.len() > STATE_BYTES_MAX {
        return None;
    }
    let members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
    let members = members.filter(|member| !member.is_empty()).map(|member| member.split_once('='));
    let members: Vec<(&str, &str)> = members.collect::<Option<_>>()?;
    let is_sound = |value: &str| !value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let keys: BTreeSet<_> = members.iter().map(|(key, _)| *key).filter(|key| !key.is_empty()).collect();
    let is_whole = keys.len() == members.len() && members.len() <= STATE_MEMBERS_MAX;
    let is_whole = is_whole && members.iter().all(|(_, value)| is_sound(value));
    // What is left to be found wrong is a key's alphabet, or an `=` in a value.
    is_whole.then(|| TraceState::from_key_value(members).ok()).flatten()
}

/// A genuine call until its verdict is recorded.
pub(crate) fn decide() -> Span {
    if !are_on() {
        return Span::none();
    }
    info_span!(
        target: TARGET,
        "decide",
        doorstep.scope = Empty,
        doorstep.verdict = Empty,
        doorstep.rule = Empty,
    )
}

/// A bundle's rules at work; kept as long as they are.
pub(crate) fn evaluate() -> Span {
    if are_on() { info_span!(target: TARGET, "evaluate") } else { Span::none() }
}

/// A token from the decision to sign it until it is recorded.
pub(crate) fn mint() -> Span {
    if are_on() { info_span!(target: TARGET, "mint") } else { Span::none() }
}

/// A fetch of one of Prelude's key sets.
pub(crate) fn key_set_fetch(key_set: &'static str) -> Span {
    if !are_on() {
        return Span::none();
    }
    info_span!(target: TARGET, "key_set_fetch", otel.kind = "client", doorstep.key_set = key_set, otel.status_code = Empty, error.type = Empty)
}

/// A command that works on Prelude's side.
pub(crate) fn command() -> Span {
    if are_on() { info_span!(target: TARGET, "command") } else { Span::none() }
}

/// A call of Prelude's management API.
pub(crate) fn management_call(method: &'static str) -> Span {
    if !are_on() {
        return Span::none();
    }
    info_span!(target: TARGET, "management_call", otel.kind = "client", http.request.method = method)
}

/// Says what went wrong with what the current span is about.
pub(crate) fn failed(code: &'static str) {
    if are_on() {
        let span = Span::current();
        span.record("error.type", code);
        span.record("otel.status_code", "ERROR");
    }
}

/// A call's way through the record's queue and its commit. Empty, and nothing allocated, where nobody collects.
#[derive(Debug, Default)]
pub(crate) struct Passage(Option<Box<Way>>);

#[derive(Debug)]
struct Way {
    /// What the call is part of.
    call: Span,
    waiting: Span,
}

impl Passage {
    /// Begins to wait, as a part of the current span.
    pub(crate) fn begin() -> Self {
        if !are_on() {
            return Self(None);
        }
        let (call, waiting) = (Span::current(), info_span!(target: TARGET, "queue_wait"));
        Self(Some(Box::new(Way { call, waiting })))
    }

    /// The wait is over.
    pub(crate) fn taken(&mut self) {
        if let Some(way) = &mut self.0 {
            way.waiting = Span::none();
        }
    }

    /// The rules at work inside of the transaction.
    pub(crate) fn evaluate(&self) -> Span {
        self.part(|call| info_span!(target: TARGET, parent: call, "evaluate"))
    }

    /// The transaction that records the call with others; kept until it is over.
    ///
    /// - `calls`: how many share it.
    pub(crate) fn commit(&self, calls: usize) -> Span {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        self.part(|call| info_span!(target: TARGET, parent: call, "commit", doorstep.calls = calls))
    }

    /// Says what was decided.
    pub(crate) fn decided(&self, scope: &str, verdict: &'static str, rule: Option<&str>) {
        if let Some(way) = &self.0 {
            way.call.record("doorstep.scope", scope);
            way.call.record("doorstep.verdict", verdict);
            if let Some(rule) = rule {
                way.call.record("doorstep.rule", rule);
            }
        }
    }

    fn part(&self, make: impl FnOnce(&Span) -> Span) -> Span {
        match &self.0 {
            Some(way) if !way.call.is_disabled() => make(&way.call),
            _ => Span::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_traceparent_is_read_strictly() {
        let read = |text: &str| {
            parse(text, TraceState::NONE).map(|context| (context.is_sampled(), context.is_remote()))
        };
        assert_eq!(read(&format!("00-{TRACE}-{SPAN}-01")), Some((true, true)));
        assert_eq!(read(&format!("00-{TRACE}-{SPAN}-00")), Some((false, true)));
        assert_eq!(read(&format!("00-{TRACE}-{SPAN}-02")), Some((false, true)), "an unknown flag");
        assert_eq!(read(&format!("01-{TRACE}-{SPAN}-01-more")), Some((true, true)), "a version to come");
        let zeros = "0".repeat(32);
        for bad in [
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("0-{TRACE}-{SPAN}-01"),
            String::new(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tracestate_is_read_strictly() {
        let read = |text: &str| parse_state(text).map(|state| state.header());
        for good in ["a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "tenant@system=x y", "0a_-*/=~!"] {
            assert_eq!(read(good).as_deref(), Some(good));
        }
        assert_eq!(read(" a=1 ,\t, b=2,").as_deref(), Some("a=1,b=2"), "blanks and empty members");
        assert_eq!(read("").as_deref(), Some(""));
        let many = |count| (0..count).map(|one| format!("k{one}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(read(&many(32)), Some(many(32)));
        let long = |length: usize| format!("a={},b={}", "x".repeat(250), "x".repeat(length - 255));
        assert_eq!(read(&long(511)), Some(long(511)));
        let bad = [&many(33), &long(511).replace(",b", " ,\tb"), "a", "a=1,a=2", "A=1", "=1", "a=", "a=1=2"];
        for bad in bad.into_iter().chain(["a=\u{7f}", "ä=1", "a=ä", "a=1\tb"]) {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_is_made_where_nobody_collects() {
        assert!(decide().is_none() && evaluate().is_none() && mint().is_none());
        let mut passage = Passage::begin();
        passage.taken();
        assert!(passage.commit(3).is_none() && passage.evaluate().is_none() && departing().next().is_none());
    }
}
