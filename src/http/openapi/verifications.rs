//! The life of a custom step, and the tokens that come of it.

use serde_json::json;

use super::operation::{Operation, operation};
use super::parameters::{form, page, path, query, step, user_and_scope, word};
use crate::app::VerificationError as Error;
use crate::app::shapes::{tokens, verification_requests as requests, verifications, withdrawals};
use crate::domain::{ChallengeId, Role, VerificationId, VerificationState};
use crate::http::problem::Refusal;
use crate::http::refusals::{not_signed, stale_signing_keys};
use crate::prelude::ChallengeFault;

const LOOKERS: [&[Role]; 4] = [&[Role::Reader], &[Role::Opener], &[Role::Approver], &[Role::Minter]];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        open(),
        list(),
        show(),
        events(),
        decide("approve", "approveVerification", "Says that the step is done"),
        decide("reject", "rejectVerification", "Says that the step failed"),
        mint(),
        withdraw(),
        mint_in_one_call(),
    ]
}

fn of_verifications(
    address: (&'static str, &'static str),
    id: &'static str,
    summary: &'static str,
) -> Operation {
    operation(address, id, summary).group("verifications").refuses([Error::OutsideKeyLimits])
}

fn one(method: &'static str, path_of: &'static str, id: &'static str, summary: &'static str) -> Operation {
    operation((method, path_of), id, summary)
        .group("verifications")
        .with([path::<VerificationId>("id", "The verification's id.")])
        .refuses([Error::NotFound])
}

/// What a challenge, or what is said of one, can have against it.
fn challenge() -> Vec<Refusal> {
    let faults = [
        ChallengeFault::BadSignature,
        ChallengeFault::Expired,
        ChallengeFault::NotYetValid,
        ChallengeFault::Completed,
        ChallengeFault::ManagedStep,
        ChallengeFault::PassedStep,
    ];
    let errors = [
        Error::Missing("scope"),
        Error::Disagreement("scope"),
        Error::UnknownStep,
        Error::UnknownSource,
        Error::NoReview,
        Error::OtherChallenge,
        Error::NoTrustedKeySet,
    ];
    faults.into_iter().map(Into::into).chain(errors.into_iter().map(Into::into)).collect()
}

/// What keeps an approval from becoming a token.
fn no_token() -> Vec<Refusal> {
    let errors = [
        Error::NotApproved(VerificationState::Pending),
        Error::Withdrawn,
        Error::TooManyTokens,
        Error::ScopePaused,
        Error::TokenGone,
        Error::NoTimeLeft,
        Error::NoSigner,
    ];
    errors.into_iter().map(Into::into).chain([stale_signing_keys(), not_signed()]).collect()
}

fn open() -> Operation {
    of_verifications(
        ("post", "/v1/verifications"),
        "openVerification",
        "Opens a verification of a custom step",
    )
    .keys(&[&[Role::Opener], &[Role::Opener, Role::Voucher]])
    .once()
    .takes([("by_token", requests::by_token()), ("by_name", requests::by_name())])
    .answers(201, "It is open.", verifications::opened())
    .answers(200, "It was there already: a challenge and step have one.", verifications::decided())
    .header("Cache-Control", "Always `no-store`.")
    .refuses(challenge())
}

fn list() -> Operation {
    of_verifications(("get", "/v1/verifications"), "listVerifications", "Lists verifications, newest first")
        .keys(&LOOKERS)
        .with(user_and_scope())
        .with([
            step(),
            query::<ChallengeId>("challenge_id", "Of this challenge alone."),
            word("state", "In this state alone.", &VerificationState::ALL.map(VerificationState::as_str)),
        ])
        .with(page())
        .answers(200, "A page of them.", verifications::list())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([Error::Filter("state")])
}

fn show() -> Operation {
    let wait = json!({ "type": "string", "pattern": "^([1-9]|[1-5][0-9]|60)s$" });
    let after = json!({ "type": "integer", "format": "int32", "minimum": 0 });
    one(
        "get",
        "/v1/verifications/{id}",
        "getVerification",
        "Shows a verification, at once or when there is news",
    )
    .keys(&LOOKERS)
    .with([
        form("wait", "Answer when there is news, at the latest after so many seconds, such as `25s`.", &wait),
        form("after", "The version that the caller has; only with `wait`.", &after),
    ])
    .answers(200, "The verification.", verifications::decided())
    .header("Cache-Control", "Always `no-store`.")
    .refuses([Error::Filter("wait"), Error::TooManyWaiters])
}

fn events() -> Operation {
    let path = "/v1/verifications/{id}/events";
    one("get", path, "listVerificationEvents", "Tells what happened to a verification, in order")
        .keys(&LOOKERS)
        .answers(200, "What happened.", verifications::events())
        .header("Cache-Control", "Always `no-store`.")
}

fn decide(verb: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let path =
        if verb == "approve" { "/v1/verifications/{id}/approve" } else { "/v1/verifications/{id}/reject" };
    one("post", path, id, summary)
        .keys(&[&[Role::Approver]])
        .once()
        .takes([("decision", requests::decision())])
        .answers(200, "The verification as it stands now.", verifications::decided())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([
            Error::NotApprovable,
            Error::Missing("actor"),
            Error::AlreadyDecided(VerificationState::Approved),
            Error::Expired,
            Error::Withdrawn,
        ])
}

fn mint() -> Operation {
    one(
        "post",
        "/v1/verifications/{id}/token",
        "mintToken",
        "Mints a verification token of what was approved",
    )
    .keys(&[&[Role::Minter]])
    .once()
    .takes([("nothing", requests::nothing())])
    .answers(201, "The token, which is recorded.", tokens::minted())
    .header("Cache-Control", "Always `no-store`.")
    .refuses(no_token())
}

fn withdraw() -> Operation {
    let words = "Withdraws a verification, or those of a session or user";
    of_verifications(("post", "/v1/withdrawals"), "withdrawVerifications", words)
        .keys(&[&[Role::Approver]])
        .once()
        .takes([("session", requests::withdrawal())])
        .answers(200, "What this call withdrew.", withdrawals::withdrawn())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([Error::NotFound])
}

fn mint_in_one_call() -> Operation {
    let all = [Role::Opener, Role::Approver, Role::Minter];
    let vouching = [Role::Opener, Role::Approver, Role::Minter, Role::Voucher];
    of_verifications(
        ("post", "/v1/verification-tokens"),
        "mintTokenInOneCall",
        "Opens, approves and mints in one call",
    )
    .keys(&[&all, &vouching])
    .once()
    .takes([("by_token", requests::by_token()), ("by_name", requests::by_name())])
    .answers(201, "The token, which is recorded.", tokens::minted())
    .header("Cache-Control", "Always `no-store`.")
    .refuses(challenge())
    .refuses(no_token())
    .refuses([Error::NotApprovable])
}
