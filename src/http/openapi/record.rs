//! Grants, facts, decisions, and what the policy would say.

use super::operation::{Operation, operation};
use super::parameters::{page, path, query, user_and_scope, word};
use crate::app::shapes::{accesses, decisions, evaluate, facts, grants};
use crate::app::{DecisionsError, EvaluateError, FactError, FactFault, PageError, RedeemError, RedeemFault};
use crate::domain::{DecisionId, NotSpent, Role, RuleId, StepKey, Timestamp, UserId, VerdictKind, shape};

pub(super) fn operations() -> Vec<Operation> {
    vec![redeem(), report(), list(), show(), ask(), looks()]
}

fn redeem() -> Operation {
    operation(
        ("post", "/v1/grants/redeem"),
        "redeemGrant",
        "Spends a grant, before what was granted is executed",
    )
    .group("grants")
    .keys(&[&[Role::Executor]])
    .once()
    .takes([("transfer", grants::request())])
    .answers(200, "It is spent: execute.", grants::redeemed())
    .header("Cache-Control", "Always `no-store`.")
    .refuses([RedeemError::OutsideKeyLimits, RedeemError::Request(RedeemFault::Shape)])
    .refuses(not_spent())
}

fn not_spent() -> [NotSpent; 5] {
    [
        NotSpent::ScopePaused,
        NotSpent::AlreadyRedeemed {
            decision_id: DecisionId::parse(shape::ID).expect("an id"),
            redeemed_at: shape::moment(0),
        },
        NotSpent::Differs(["amount".into()].into()),
        NotSpent::Unproved(StepKey::new("kyc_review").expect("a key")),
        NotSpent::NotGranted,
    ]
}

fn report() -> Operation {
    operation(("post", "/v1/facts"), "reportFact", "Reports what happened to a user")
        .group("facts")
        .keys(&[&[Role::Facts]])
        .once()
        .takes([("chargeback", facts::request())])
        .answers(201, "It is recorded.", facts::recorded())
        .answers(200, "It was recorded under its `id` before.", facts::recorded())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([FactError::OutsideKeyLimits, FactError::OtherFact, FactError::Request(FactFault::Ahead)])
}

fn list() -> Operation {
    operation(("get", "/v1/decisions"), "listDecisions", "Lists recorded decisions, newest first")
        .group("decisions")
        .keys(&[&[Role::Reader]])
        .with(user_and_scope())
        .with([
            word("verdict", "With this verdict alone.", &VerdictKind::ALL.map(VerdictKind::as_str)),
            query::<RuleId>("rule", "By this rule alone."),
            query::<Timestamp>("from", "From this moment on."),
            query::<Timestamp>("to", "Before this moment."),
        ])
        .with(page())
        .answers(200, "A page of them; it may be short and still have a next one.", decisions::list())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DecisionsError::OutsideKeyLimits, DecisionsError::Filter("from")])
}

fn show() -> Operation {
    operation(("get", "/v1/decisions/{id}"), "getDecision", "Shows a decision and explains it")
        .group("decisions")
        .keys(&[&[Role::Reader]])
        .with([path::<DecisionId>("id", "The decision's id.")])
        .answers(200, "The decision.", decisions::detail())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DecisionsError::NotFound])
}

fn ask() -> Operation {
    operation(
        ("post", "/v1/evaluate"),
        "evaluate",
        "Asks what the policy in force would say, without a verdict",
    )
    .group("policies")
    .keys(&[&[Role::Evaluator]])
    .takes([("transfer", evaluate::request())])
    .answers(200, "What it would say, and why.", evaluate::answer())
    .header("Cache-Control", "Always `no-store`.")
    .refuses([EvaluateError::OutsideKeyLimits, EvaluateError::Request(evaluate::faults())])
}

fn looks() -> Operation {
    let subject = super::parameters::form(
        "subject",
        "About this subject alone; not together with `user_id`.",
        &serde_json::json!({ "type": "string" }),
    );
    operation(("get", "/v1/accesses"), "listAccesses", "Lists who looked at what, newest first")
        .group("operation")
        .keys(&[&[Role::Admin]])
        .with([query::<UserId>("user_id", "About this user alone."), subject])
        .with(page())
        .answers(200, "A page of them.", accesses::list())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([PageError::Filter("subject")])
}
