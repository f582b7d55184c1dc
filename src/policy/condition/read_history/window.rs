//! Reading how far back a question looks: `over`, `per` or `since`.

use std::time::Duration;

use crate::domain::{Executions, HISTORY_KEPT, Period, Window, Zone};
use crate::policy::condition::read_moment;
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader};
use crate::policy::yaml::Node;

/// How many seconds of the past are kept.
pub(super) fn kept() -> u32 {
    u32::try_from(HISTORY_KEPT.as_secs()).unwrap_or(u32::MAX)
}

/// Reads the one window that must be there.
pub(super) fn window(reader: &mut Reader<'_>, map: &Map<'_>, executions: Executions) -> Option<Window> {
    let mut windows = map.entries.iter().filter(|entry| ["over", "per", "since"].contains(&&*entry.key));
    let Some(entry) = windows.next() else {
        let help = "add `over: 24h`, `per: day` with a `zone`, or `since: executed_review`";
        reader.fault(Code::MissingKey, map.span, "`history` does not say how far back it looks", help);
        return None;
    };
    if let Some(second) = windows.next() {
        let message = format!("`history` looks back by `{}` already", entry.key);
        reader.fault(Code::Contradiction, second.key_span, message, "keep one of the two");
        return None;
    }
    if let (true, Some(zone)) = (&*entry.key != "per", map.entry("zone")) {
        let help = "remove it; `per` alone follows the calendar of a zone";
        reader.fault(Code::UnknownKey, zone.key_span, format!("`{}` has no `zone`", entry.key), help);
    }
    match &*entry.key {
        "over" => over(reader, &entry.value),
        "per" => per(reader, &entry.value, map),
        _ => since(reader, &entry.value, executions),
    }
}

fn over(reader: &mut Reader<'_>, node: &Node) -> Option<Window> {
    let seconds = literal::span(reader, node, "`over`", (1, kept()))?;
    Some(Window::Over(Duration::from_secs(seconds.into())))
}

fn per(reader: &mut Reader<'_>, node: &Node, map: &Map<'_>) -> Option<Window> {
    let word = reader.word(node, "`per`", &Period::ALL.map(Period::as_str));
    let period = word.and_then(|word| Period::ALL.into_iter().find(|period| period.as_str() == word));
    let zone = reader.required(map, "zone", "`per`").and_then(|node| read_moment::zone(reader, node));
    Some(Window::Per(period?, Zone::named(zone?.iana_name()?)?))
}

fn since(reader: &mut Reader<'_>, node: &Node, executions: Executions) -> Option<Window> {
    reader.word(node, "`since`", &["executed_review"])?;
    if executions == Executions::Unreported {
        unreported(reader, node.span, "`since: executed_review`");
        return None;
    }
    Some(Window::SinceExecutedReview)
}

/// Where nobody reports executions, nothing was ever executed: a condition on it would be one on nothing.
pub(super) fn unreported(reader: &mut Reader<'_>, span: Span, what: &str) {
    let message = format!("{what} needs executions to be reported");
    let help = "if your service redeems grants with Doorstep before it executes them, say so in `grants.yaml`: \
                `executions: reported`; else count what is `usable`";
    reader.fault(Code::ExecutionsUnreported, span, message, help);
}
