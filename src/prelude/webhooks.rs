//! The webhook that Prelude must have of us so that its events come here: compared, and brought into agreement.

use serde_json::{Value, json};

use super::registration::{PlanLine, Sign};

/// Where events go, under our base address.
pub(crate) const EVENTS_PATH: &str = "/hooks/events";

/// The types of events that we have a use for, or count (docs/CONTRACT.md C9.3).
pub(crate) const EVENT_TYPES: [&str; 8] = [
    "user.created",
    "user.deleted",
    "user.profile.updated",
    "user.identifier.created",
    "user.identifier.deleted",
    "user.session.created",
    "user.session.revoked",
    "step_up.hook_failed",
];

/// One of the application's webhooks, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldWebhook {
    /// Prelude's name for it.
    pub(crate) id: String,
    url: String,
    events: Vec<String>,
    is_active: bool,
}

/// Reads a list of webhooks; what is no webhook is passed over, since it cannot be ours.
pub(crate) fn read_webhooks(answer: &Value) -> Vec<HeldWebhook> {
    let list = answer.get("webhooks").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(read_webhook).collect()
}

/// Reads one.
pub(crate) fn read_webhook(webhook: &Value) -> Option<HeldWebhook> {
    let text = |name| webhook.get(name).and_then(Value::as_str).map(str::to_owned);
    let events = webhook.get("events").and_then(Value::as_array);
    Some(HeldWebhook {
        id: text("id").filter(|id| is_name(id))?,
        url: text("url")?,
        events: events.into_iter().flatten().filter_map(|event| event.as_str().map(str::to_owned)).collect(),
        is_active: webhook.get("active").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// Whether it may stand in an address as it is: it comes from another's answer.
fn is_name(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What has to be done, in this order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WebhookPlan {
    /// Every difference; none means that there is nothing to do.
    pub(crate) lines: Vec<PlanLine>,
    /// The webhook that is there already.
    pub(crate) id: Option<String>,
    /// Types that it does not have yet; all of them where it is made.
    pub(crate) new_events: Vec<&'static str>,
    /// Whether it is to be activated.
    pub(crate) activate: bool,
}

/// Compares the webhooks that are there with the one that ought to be. Others' stay as they are, and so do types of ours that we do
/// not know.
///
/// - `base_url`: our base address, without a `/` at its end.
pub(crate) fn plan_webhook(held: &[HeldWebhook], base_url: &str) -> WebhookPlan {
    let url = format!("{base_url}{EVENTS_PATH}");
    let line = |sign, words: String| PlanLine { sign, part: "webhooks", words };
    let Some(ours) = held.iter().find(|webhook| webhook.url == url) else {
        return WebhookPlan {
            lines: vec![line(Sign::Add, format!("{url}: {} types of events, activated", EVENT_TYPES.len()))],
            id: None,
            new_events: EVENT_TYPES.to_vec(),
            activate: true,
        };
    };
    let new_events: Vec<_> =
        EVENT_TYPES.into_iter().filter(|event| !ours.events.iter().any(|held| held == event)).collect();
    let mut lines: Vec<_> =
        new_events.iter().map(|event| line(Sign::Add, format!("{url}: {event}"))).collect();
    if !ours.is_active {
        lines.push(line(Sign::Change, format!("{url}: not active -> active")));
    }
    WebhookPlan { lines, id: Some(ours.id.clone()), new_events, activate: !ours.is_active }
}

/// What makes the webhook.
pub(crate) fn new_webhook(base_url: &str, verification_token: &str) -> Value {
    json!({
        "url": format!("{base_url}{EVENTS_PATH}"), "verification_token": verification_token, "events": EVENT_TYPES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://doorstep.example";

    fn plan(webhooks: &Value) -> WebhookPlan {
        plan_webhook(&read_webhooks(&json!({ "webhooks": webhooks })), BASE)
    }

    fn ours(events: &[&str], active: bool) -> Value {
        json!({ "id": "web_1", "url": format!("{BASE}/hooks/events"), "events": events, "active": active })
    }

    #[test]
    fn one_that_is_not_there_is_made_and_activated() {
        let others = json!({ "id": "web_9", "url": "https://other.example/hooks/events", "events": [], "active": false });
        for held in [json!([]), json!([others]), json!(["?", { "id": 1 }])] {
            let plan = plan(&held);
            assert_eq!((plan.id, plan.activate, plan.new_events.len(), plan.lines.len()), (None, true, 8, 1));
        }
    }

    #[test]
    fn one_that_is_there_gets_what_it_lacks() {
        let whole = plan(&json!([ours(&EVENT_TYPES, true)]));
        assert_eq!((whole.lines.len(), whole.activate, whole.id.as_deref()), (0, false, Some("web_1")));
        let more: Vec<_> = EVENT_TYPES.into_iter().chain(["user.promoted"]).collect();
        assert_eq!(plan(&json!([ours(&more, true)])).lines, []);
        let some = plan(&json!([ours(&EVENT_TYPES[..7], false)]));
        assert_eq!((some.new_events, some.activate), (vec!["step_up.hook_failed"], true));
        let words: Vec<_> = some.lines.iter().map(|line| line.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "https://doorstep.example/hooks/events: step_up.hook_failed",
                "https://doorstep.example/hooks/events: not active -> active"
            ]
        );
    }

    #[test]
    fn a_name_that_is_more_than_a_name_is_not_read() {
        let named =
            |id: &str| json!({ "id": id, "url": "https://doorstep.example/hooks/events", "events": [] });
        assert!(read_webhook(&named("web_01-a")).is_some());
        for id in ["", ".", "../scopes", "a/b", "a?b", "a%2fb", "a b", "é"] {
            assert_eq!(read_webhook(&named(id)), None, "{id}");
        }
    }
}
