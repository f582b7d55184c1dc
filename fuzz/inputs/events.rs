//! The query of an activation in the first line, and a batch of events below it that nobody need have signed.
//!
//! What is read of a batch is what another reader of JSON finds there, event by event. An activation is answered with the number that
//! it names once, and nothing else.

use doorstep::testing::{Event, answer_activation};
use serde_json::Value;

const APP_ID: &str = "app_7Q2";

const QUERY: &str = "event=activate&app_id=app_7Q2&verification_token=a%2Bb%20c&challenge=1234567890";

const BATCHES: [&str; 4] = [
    r#"{"app_id":"app_7Q2","events":[{"id":"evt_1","type":"user.deleted","payload":{"user_id":"usr_1","deleted_at":"2026-09-21T14:13:20Z"}},
      {"type":"user.profile.updated","user_id":"usr_1","updated_at":"2026-09-21T14:13:20.123456789+02:00","profile":{"first_name":"Jane"}}]}"#,
    r#"{"app_id":"app_7Q2","events":[{"type":"user.identifier.created","payload":{"user_id":"usr_1","identifier":{"type":"phone_number","value":"+33612345678"},"created_at":"2026-09-21T14:13:20Z"}},
      {"type":"user.identifier.deleted","payload":{"user_id":"usr_1","identifier":{"type":"email_address"}}},{"type":"user.created","created_at":"2026-09-21T14:13:20Z"}]}"#,
    r#"{"app_id":"app_7Q2","events":[{"type":"user.session.created"},{"type":"user.session.revoked","payload":{"session_id":"ses_1","revoked_at":"2026-09-21T14:13:20Z"}},
      {"type":"step_up.hook_failed","payload":{"reason":"invalid_step","correlation_id":null,"failed_at":"2026-09-21T14:13:20Z"}},{"type":"user.promoted","payload":{}},{"type":"user.deleted"}]}"#,
    r#"{"app_id":"app_other","events":[]}"#,
];

/// What fuzzing begins with.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![QUERY.as_bytes().to_vec()];
    seeds.extend(BATCHES.iter().map(|batch| format!("\n{batch}").into_bytes()));
    seeds
}

/// Panics where something is wrong.
///
/// - returns: what became of the activation, or else how far the batch got.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (query, body) = input.split_at(end);
    if let Ok(query) = std::str::from_utf8(query)
        && let Ok(activation) = answer_activation(query)
    {
        expect_named_once(query, &activation);
        return "activated";
    }
    let body = body.get(1..).unwrap_or_default();
    let Ok(events) = Event::read_unsigned(body, APP_ID) else { return "refused" };
    let stated: Value = serde_json::from_slice(body).expect("what is read is JSON");
    assert_eq!(stated["app_id"], APP_ID);
    let stated = stated["events"].as_array().expect("events");
    assert_eq!(stated.len(), events.len());
    for (event, stated) in events.iter().zip(stated) {
        if let Ok(event) = event {
            expect_as_stated(event, stated);
        }
    }
    if events.iter().all(Result::is_ok) { "read" } else { "in part" }
}

fn expect_as_stated(event: &Event, stated: &Value) {
    assert_eq!(event.content(), stated.to_string());
    let kind = stated["type"].as_str().expect("a type");
    assert!(event.kind() == kind || event.kind() == "unknown", "{kind}");
    let details = if stated["payload"].is_null() { stated } else { &stated["payload"] };
    if let Some(user) = event.user() {
        assert_eq!(details["user_id"], user);
    }
}

/// Another reader of the query: what stands between `&` and after `=`.
fn expect_named_once(query: &str, [app_id, token, answer]: &[String; 3]) {
    assert!(!query.is_empty() && app_id.len() <= query.len() && token.len() <= query.len());
    let number = answer.strip_prefix(r#"{"challenge":"#).and_then(|rest| rest.strip_suffix('}'));
    let number = number.expect("the one member");
    let digits = number.strip_prefix('-').unwrap_or(number);
    assert!(
        (1..=20).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()),
        "{answer}"
    );
    let read: Value = serde_json::from_str(answer).expect("JSON");
    assert!(read["challenge"].is_number() && read.as_object().is_some_and(|members| members.len() == 1));
}
