//! For the description of the API.

use super::{DecisionDetail, DecisionList, DecisionSummary, Gone};
use crate::app::policies::raw;
use crate::domain::RuleId;
use crate::domain::shape::{BUNDLE, ID, Shape, moment, scope, user};

fn summary() -> DecisionSummary {
    DecisionSummary {
        id: ID.to_owned(),
        received_at: moment(0),
        user_id: user(),
        scope: scope(),
        verdict: "review".to_owned(),
        steps: vec!["verify_sms".to_owned()],
        walkable_until: Some(moment(600)),
        usable_until: Some(moment(900)),
        redeemed_at: None,
        rule: Some(RuleId::new("ordinary").expect("an id")),
        reason: "rule_matched".to_owned(),
        message: None,
        bundle: BUNDLE.to_owned(),
    }
}

pub(crate) fn list() -> Shape {
    Shape::of(&DecisionList {
        decisions: vec![summary()],
        next_cursor: Some("AZmwfl9AfDqdUT6Lai9MEA".to_owned()),
    })
}

pub(crate) fn detail() -> Shape {
    let answer = r#"{"status":"review","granted_for":300,"grant_mode":"single-use","steps":[{"order":1,"key":"verify_sms","expiration_duration":600}]}"#;
    Shape::of(&DecisionDetail {
        summary: summary(),
        answer: raw(answer),
        metadata: raw(r#"{"amount":"600","currency":"USD"}"#),
        context: raw(
            r#"{"platform":"WEB","ip":"203.0.113.0/24","identifiers":[{"type":"phone_number","masked":"+336***78"}]}"#,
        ),
        personal_values: None::<Gone>,
        explanation: crate::app::evaluate::example::explanation(),
    })
}
