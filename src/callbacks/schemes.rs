//! The schemes as data: how each provider signs, and what its words mean, after their public documentation.
//!
//! What is known only at second hand (where a reference stands) can be said otherwise in the settings. A word that is in no
//! rule is unknown: it decides nothing and is counted.

use super::meaning::{ABSENT, Dialect, Word};
use super::signing::{Hashing, Layout, Signing};
use crate::domain::{GenericSigning, Scheme, SignatureText, Signed, SignedHash};

/// How a scheme signs; `generic` is what the settings say, for the scheme that leaves it to them.
pub(super) fn signing(scheme: Scheme, generic: Option<&GenericSigning>) -> Signing {
    let of_body = |header: &str| Signing {
        header: header.into(),
        layout: Layout::Plain { prefix: "".into(), text: SignatureText::Hex, signed: Signed::Body },
        hash: Hashing::Fixed(SignedHash::Sha256),
        unsigned_timestamp: None,
    };
    let written = |header: &str, layout| Signing { layout, ..of_body(header) };
    match (scheme, generic) {
        (Scheme::Persona, _) => written("persona-signature", Layout::Pairs),
        (Scheme::StripeIdentity, _) => written("stripe-signature", Layout::Pairs),
        (Scheme::Sumsub, _) => {
            Signing { hash: Hashing::Named { header: "x-payload-digest-alg" }, ..of_body("x-payload-digest") }
        }
        (Scheme::Veriff, _) => of_body("x-hmac-signature"),
        (Scheme::Onfido, _) => of_body("x-sha2-signature"),
        (Scheme::Didit, _) => {
            Signing { unsigned_timestamp: Some("x-timestamp".into()), ..of_body("x-signature") }
        }
        (Scheme::Idenfy, _) => of_body("idenfy-signature"),
        (Scheme::Generic, Some(generic)) => Signing {
            layout: Layout::Plain {
                prefix: generic.prefix.clone(),
                text: generic.text,
                signed: generic.signed.clone(),
            },
            hash: Hashing::Fixed(generic.hash),
            ..of_body(&generic.header)
        },
        (Scheme::StandardWebhooks | Scheme::Generic, _) => written("webhook-signature", Layout::Versioned),
    }
}

/// What a scheme's words mean; without rules where the settings say it.
pub(super) const fn dialect(scheme: Scheme) -> &'static Dialect {
    match scheme {
        Scheme::StandardWebhooks => &STANDARD_WEBHOOKS,
        Scheme::Persona => &PERSONA,
        Scheme::Sumsub => &SUMSUB,
        Scheme::Veriff => &VERIFF,
        Scheme::Onfido => &ONFIDO,
        Scheme::StripeIdentity => &STRIPE_IDENTITY,
        Scheme::Didit => &DIDIT,
        Scheme::Idenfy => &IDENFY,
        Scheme::Generic => &GENERIC,
    }
}

const GENERIC: Dialect =
    Dialect { reference: &[], id: None, happened_at: &[], reason: None, live: None, rules: &[] };

const STANDARD_WEBHOOKS: Dialect = Dialect { happened_at: &["/timestamp"], ..GENERIC };

const PERSONA_NAME: &str = "/data/attributes/name";

/// `inquiry.completed` is a user who walked through, not one who was approved. Persona's keys come in three spellings.
const PERSONA: Dialect = Dialect {
    reference: &[
        "/data/attributes/payload/data/attributes/reference-id",
        "/data/attributes/payload/data/attributes/reference_id",
        "/data/attributes/payload/data/attributes/referenceId",
    ],
    id: Some("/data/id"),
    happened_at: &[
        "/data/attributes/created-at",
        "/data/attributes/created_at",
        "/data/attributes/createdAt",
    ],
    rules: &[
        (&[(PERSONA_NAME, &["inquiry.approved"])], Word::Approved),
        (&[(PERSONA_NAME, &["inquiry.declined"])], Word::Rejected),
        (&[(PERSONA_NAME, &["inquiry.expired"])], Word::Expired),
        (
            &[(
                PERSONA_NAME,
                &[
                    "inquiry.created",
                    "inquiry.started",
                    "inquiry.completed",
                    "inquiry.failed",
                    "inquiry.marked-for-review",
                    "inquiry.transitioned",
                    "inquiry.redacted",
                ],
            )],
            Word::Pending,
        ),
    ],
    ..GENERIC
};

const SUMSUB_REVIEWED: (&str, &[&str]) = ("/type", &["applicantReviewed"]);
const SUMSUB_ANSWER: &str = "/reviewResult/reviewAnswer";

const SUMSUB: Dialect = Dialect {
    reference: &["/externalUserId"],
    happened_at: &["/createdAtMs", "/createdAt"],
    reason: Some("/reviewResult/rejectLabels/0"),
    live: Some(("/sandboxMode", "false")),
    rules: &[
        (&[SUMSUB_REVIEWED, (SUMSUB_ANSWER, &["GREEN"])], Word::Approved),
        (
            &[SUMSUB_REVIEWED, (SUMSUB_ANSWER, &["RED"]), ("/reviewResult/reviewRejectType", &["FINAL"])],
            Word::Rejected,
        ),
        (
            &[SUMSUB_REVIEWED, (SUMSUB_ANSWER, &["RED"]), ("/reviewResult/reviewRejectType", &["RETRY"])],
            Word::Pending,
        ),
        (&[("/type", &["applicantReset"])], Word::Reset),
        (
            &[(
                "/type",
                &[
                    "applicantCreated",
                    "applicantPending",
                    "applicantPrechecked",
                    "applicantOnHold",
                    "applicantAwaitingUser",
                    "applicantAwaitingService",
                    "applicantPersonalInfoChanged",
                    "applicantTagsChanged",
                ],
            )],
            Word::Pending,
        ),
    ],
    ..GENERIC
};

const VERIFF_CODE: &str = "/verification/code";

/// Decisions carry `verification`, progress carries its code at the top.
const VERIFF: Dialect = Dialect {
    reference: &["/verification/vendorData", "/vendorData"],
    happened_at: &["/verification/decisionTime"],
    reason: Some("/verification/reasonCode"),
    rules: &[
        (&[(VERIFF_CODE, &["9001"])], Word::Approved),
        (&[(VERIFF_CODE, &["9102"])], Word::Rejected),
        (&[(VERIFF_CODE, &["9104"])], Word::Expired),
        (&[(VERIFF_CODE, &["9103", "9121"])], Word::Pending),
        (&[(VERIFF_CODE, &[ABSENT]), ("/code", &["7001", "7002"])], Word::Pending),
    ],
    ..GENERIC
};

const ONFIDO_COMPLETED: (&str, &[&str]) = ("/payload/action", &["workflow_run.completed"]);
const ONFIDO_STATUS: &str = "/payload/object/status";

/// Onfido names its runs itself: our reference comes back where it was handed in.
const ONFIDO: Dialect = Dialect {
    reference: &["/payload/resource/customer_user_id", "/payload/resource/workflow_run_id"],
    happened_at: &["/payload/object/completed_at_iso8601"],
    rules: &[
        (&[ONFIDO_COMPLETED, (ONFIDO_STATUS, &["approved"])], Word::Approved),
        (&[ONFIDO_COMPLETED, (ONFIDO_STATUS, &["declined"])], Word::Rejected),
        (
            &[
                ("/payload/resource_type", &["workflow_run"]),
                (ONFIDO_STATUS, &["review", "awaiting_input", "processing", "abandoned", "error"]),
            ],
            Word::Pending,
        ),
    ],
    ..GENERIC
};

const STRIPE_IDENTITY: Dialect = Dialect {
    reference: &["/data/object/client_reference_id", "/data/object/metadata/reference"],
    id: Some("/id"),
    happened_at: &["/created"],
    live: Some(("/livemode", "true")),
    rules: &[
        (
            &[("/data/object/status", &["verified"]), ("/type", &["identity.verification_session.verified"])],
            Word::Approved,
        ),
        (
            &[(
                "/type",
                &[
                    "identity.verification_session.created",
                    "identity.verification_session.processing",
                    "identity.verification_session.requires_input",
                    "identity.verification_session.canceled",
                    "identity.verification_session.redacted",
                ],
            )],
            Word::Pending,
        ),
    ],
    ..GENERIC
};

/// Other kinds of events speak of users and transactions, with words of their own; early ones had no kind.
const DIDIT_SESSION: (&str, &[&str]) = ("/webhook_type", &["status.updated", "data.updated", ABSENT]);

const DIDIT: Dialect = Dialect {
    reference: &["/vendor_data"],
    id: Some("/event_id"),
    happened_at: &["/timestamp", "/created_at"],
    rules: &[
        (&[DIDIT_SESSION, ("/status", &["Approved"])], Word::Approved),
        (&[DIDIT_SESSION, ("/status", &["Declined"])], Word::Rejected),
        (&[DIDIT_SESSION, ("/status", &["Expired"])], Word::Expired),
        (
            &[
                DIDIT_SESSION,
                ("/status", &["In Review", "Resubmitted", "In Progress", "Not Started", "Abandoned"]),
            ],
            Word::Pending,
        ),
    ],
    ..GENERIC
};

const IDENFY_FINAL: (&str, &[&str]) = ("/final", &["true"]);
const IDENFY_OVERALL: &str = "/status/overall";

const IDENFY: Dialect = Dialect {
    reference: &["/clientId"],
    happened_at: &["/finishTime"],
    rules: &[
        (&[IDENFY_FINAL, (IDENFY_OVERALL, &["APPROVED"])], Word::Approved),
        (&[IDENFY_FINAL, (IDENFY_OVERALL, &["DENIED"])], Word::Rejected),
        (&[(IDENFY_OVERALL, &["EXPIRED"])], Word::Expired),
        (&[(IDENFY_OVERALL, &["APPROVED", "DENIED", "SUSPECTED", "REVIEWING", "ACTIVE"])], Word::Pending),
    ],
    ..GENERIC
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Pointer;

    #[test]
    fn every_pointer_of_every_dialect_is_one() {
        for (name, scheme) in Scheme::ALL {
            let dialect = dialect(scheme);
            let in_rules = dialect.rules.iter().flat_map(|(tests, _)| tests.iter().map(|(at, _)| *at));
            let others = dialect.reference.iter().chain(dialect.happened_at).copied();
            let single = [dialect.id, dialect.reason, dialect.live.map(|(at, _)| at)].into_iter().flatten();
            for at in in_rules.chain(others).chain(single) {
                assert!(Pointer::new(at).is_some(), "{name}: {at}");
            }
            assert_eq!(dialect.rules.is_empty(), scheme.needs_words(), "{name}");
            assert!(dialect.rules.iter().all(|(tests, _)| !tests.is_empty()), "{name}");
        }
    }
}
