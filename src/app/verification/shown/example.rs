//! For the description of the API.

use super::{EventList, EventShown, VerificationList, VerificationShown};
use crate::domain::shape::{ID, KEY, Shape, moment, scope, user};
use crate::domain::{ChallengeId, StepKey};

fn pending() -> VerificationShown {
    VerificationShown {
        id: ID.to_owned(),
        version: 1,
        state: "pending",
        user_id: user(),
        session_id: Some("ses_7f3e".to_owned()),
        challenge_id: ChallengeId::new("chl_01h8").expect("an id"),
        step_key: StepKey::new("kyc_review").expect("a key"),
        scope: scope(),
        metadata: crate::app::policies::raw(r#"{"amount":"15000","currency":"USD"}"#),
        decision_id: Some(ID.replace('9', "8")),
        proof: "challenge_token",
        reference: "8f3c0a51d2e94b7f8a6c1d3e5f709b2a".to_owned(),
        source: Some("sumsub".to_owned()),
        opened_by: KEY.to_owned(),
        opened_at: moment(0),
        expires_at: moment(3600),
        decided_at: None,
        decided_as: None,
        actor: None,
        reason: None,
        withdrawn_at: None,
        withdrawn_for: None,
        kept_until: None,
    }
}

fn approved() -> VerificationShown {
    VerificationShown {
        version: 2,
        state: "approved",
        decided_at: Some(moment(90)),
        decided_as: Some("person".to_owned()),
        actor: Some("Ana, second floor".to_owned()),
        reason: Some("passport seen".to_owned()),
        ..pending()
    }
}

pub(crate) fn opened() -> Shape {
    Shape::of(&pending())
}

pub(crate) fn decided() -> Shape {
    Shape::of(&approved())
}

pub(crate) fn list() -> Shape {
    Shape::of(&VerificationList { verifications: vec![approved()], next_cursor: None })
}

pub(crate) fn events() -> Shape {
    let event = |version, at, kind: &str, actor: &str, detail: Option<&str>| EventShown {
        version,
        at,
        kind: kind.to_owned(),
        actor: actor.to_owned(),
        detail: detail.map(str::to_owned),
    };
    Shape::of(&EventList {
        events: vec![
            event(Some(1), moment(0), "opened", &format!("api:{KEY}"), None),
            event(Some(2), moment(90), "approved", "Ana, second floor", Some("passport seen")),
        ],
    })
}
