//! The options of `[callbacks.NAME]`, one table for each identity-check provider, under a name of the operator's choice.

use std::path::PathBuf;

use crate::config::option::{Absent, AnyOption, Opt};
use crate::config::shape::{Choice, List, Scalar, Secret, Text};
use crate::config::values::{
    SecretText, SignedParts, custom_step, header_name, header_prefix, outcome_word, path, pointer,
};
use crate::domain::{Pointer, Scheme, SignatureText, SignedHash, StepKey};

/// The section, with a placeholder for the name.
pub(in crate::config) const SECTION: &str = "callbacks.NAME";

/// What stands for the name in the keys below.
pub(in crate::config) const PLACEHOLDER: &str = "NAME";

/// Splits a key of these tables into the name and the rest: `callbacks.kyc.secret` into `kyc` and `secret`.
pub(in crate::config) fn split(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("callbacks.")?.split_once('.')
}

/// The key as the table below has it: with the placeholder for the name, and without what is required.
pub(in crate::config) fn general(key: &str) -> Option<String> {
    let (_, rest) = split(key)?;
    let option = rest.strip_prefix("requires.").map_or(rest, |_| "requires");
    Some(format!("{SECTION}.{option}"))
}

/// An option's key for one name.
pub(in crate::config) fn key_of(option: &str, name: &str) -> String {
    option.replacen(PLACEHOLDER, name, 1)
}

pub(super) static ALL: [&dyn AnyOption; 24] = [
    &SCHEME,
    &SECRET,
    &SECRET_FILE,
    &NEXT_SECRET,
    &NEXT_SECRET_FILE,
    &STEPS,
    &REQUIRES,
    &REFERENCE,
    &EVENT_ID,
    &HAPPENED_AT,
    &REASON,
    &OUTCOME,
    &APPROVED,
    &REJECTED,
    &PENDING,
    &EXPIRED,
    &RESET,
    &SIGNATURE_HEADER,
    &SIGNATURE_PREFIX,
    &SIGNATURE_ENCODING,
    &SIGNATURE_HASH,
    &SIGNED,
    &TIMESTAMP_HEADER,
    &ID_HEADER,
];

const fn otherwise(words: &'static str, example: &'static str) -> Absent {
    Absent::Otherwise { words, example: Some(example) }
}

const AS_THE_SCHEME: &str = "as the scheme has it";
const FOR_OWN_WORDS: &str = "needed for `standard_webhooks` and `generic`, and for no other scheme";

pub(in crate::config) static SCHEME: Opt<Choice<Scheme>> = Opt {
    key: "callbacks.NAME.scheme",
    doc: "How the provider signs and speaks. NAME is what `approved_by: [\"provider:NAME\"]` in `steps.yaml` says and \
          where it calls, `/v1/callbacks/NAME`: a-z, 0-9 and single _, at most 32.",
    absent: otherwise("none: every table needs it", "sumsub"),
    shape: Choice { words: &Scheme::ALL },
};

pub(in crate::config) static SECRET: Opt<Secret<SecretText>> = Opt {
    key: "callbacks.NAME.secret",
    doc: "The secret that the provider signs with, as it shows it. It, or the file below, is needed.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "16 to 512 characters", read: SecretText::parse }),
};

pub(in crate::config) static SECRET_FILE: Opt<Text<PathBuf>> = Opt {
    key: "callbacks.NAME.secret_file",
    doc: "A file that holds the secret, for those who mount secrets.",
    absent: otherwise("none", "/run/secrets/sumsub"),
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static NEXT_SECRET: Opt<Secret<SecretText>> = Opt {
    key: "callbacks.NAME.next_secret",
    doc: "A second secret that is good too, while one replaces the other.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "16 to 512 characters", read: SecretText::parse }),
};

pub(in crate::config) static NEXT_SECRET_FILE: Opt<Text<PathBuf>> = Opt {
    key: "callbacks.NAME.next_secret_file",
    doc: "A file that holds the second secret.",
    absent: otherwise("none", "/run/secrets/sumsub-next"),
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static STEPS: Opt<List<StepKey>> = Opt {
    key: "callbacks.NAME.steps",
    doc: "The custom steps that this provider may finish; the policy must let it, too.",
    absent: otherwise("none: every table needs it", "[\"kyc_review\"]"),
    shape: List { name: "step keys", read: custom_step },
};

pub(in crate::config) static REQUIRES: Opt<Scalar> = Opt {
    key: "callbacks.NAME.requires",
    doc: "What every event must hold before anything follows from it: JSON pointers and values, such as the workflow or \
          level that your users walk through. An event that differs is recorded and reported, and decides nothing. \
          `sumsub` requires `/sandboxMode` to be false and `stripe_identity` `/livemode` to be true unless another value \
          stands here.",
    absent: otherwise("nothing more", "{ \"/levelName\" = \"basic-kyc-level\" }"),
    shape: Scalar,
};

const fn place(key: &'static str, doc: &'static str, example: &'static str) -> Opt<Text<Pointer>> {
    Opt {
        key,
        doc,
        absent: otherwise(AS_THE_SCHEME, example),
        shape: Text { name: "JSON pointer", read: pointer },
    }
}

pub(in crate::config) static REFERENCE: Opt<Text<Pointer>> = place(
    "callbacks.NAME.reference",
    "Where the verification's `reference` comes back, if not where the scheme expects it. Needed for `standard_webhooks` \
     and `generic`.",
    "/externalUserId",
);

pub(in crate::config) static EVENT_ID: Opt<Text<Pointer>> = place(
    "callbacks.NAME.event_id",
    "Where an event's own id stands. An event without one is known by the SHA-256 of its body.",
    "/eventId",
);

pub(in crate::config) static HAPPENED_AT: Opt<Text<Pointer>> = place(
    "callbacks.NAME.happened_at",
    "Where an event says when it happened: RFC 3339, or Unix seconds or milliseconds. It puts events in order.",
    "/createdAtMs",
);

pub(in crate::config) static REASON: Opt<Text<Pointer>> = place(
    "callbacks.NAME.reason",
    "Where the cause of a rejection stands. It is kept only where it is one word or number.",
    "/reviewResult/rejectLabels/0",
);

pub(in crate::config) static OUTCOME: Opt<Text<Pointer>> = Opt {
    key: "callbacks.NAME.outcome",
    doc: "Where the word stands that says how the check went.",
    absent: otherwise(FOR_OWN_WORDS, "/type"),
    shape: Text { name: "JSON pointer", read: pointer },
};

const fn words(
    key: &'static str,
    doc: &'static str,
    absent: &'static str,
    example: &'static str,
) -> Opt<List<Box<str>>> {
    Opt { key, doc, absent: otherwise(absent, example), shape: List { name: "words", read: outcome_word } }
}

pub(in crate::config) static APPROVED: Opt<List<Box<str>>> = words(
    "callbacks.NAME.approved",
    "The words of a final approval. A word that is in no list decides nothing.",
    FOR_OWN_WORDS,
    "[\"check.passed\"]",
);

pub(in crate::config) static REJECTED: Opt<List<Box<str>>> =
    words("callbacks.NAME.rejected", "The words of a final rejection.", "none", "[\"check.failed\"]");

pub(in crate::config) static PENDING: Opt<List<Box<str>>> = words(
    "callbacks.NAME.pending",
    "Words that are known and decide nothing, so that they are not counted as unknown.",
    "none",
    "[\"check.started\"]",
);

pub(in crate::config) static EXPIRED: Opt<List<Box<str>>> = words(
    "callbacks.NAME.expired",
    "The words of a check that ran out of time; it decides nothing.",
    "none",
    "[\"check.expired\"]",
);

pub(in crate::config) static RESET: Opt<List<Box<str>>> = words(
    "callbacks.NAME.reset",
    "Words that take an approval back: no token is minted from it any more.",
    "none",
    "[\"check.revoked\"]",
);

pub(in crate::config) static SIGNATURE_HEADER: Opt<Text<Box<str>>> = Opt {
    key: "callbacks.NAME.signature_header",
    doc: "The header with the signature.",
    absent: otherwise("needed for `generic`, and for no other scheme", "X-Signature"),
    shape: Text { name: "header name", read: header_name },
};

pub(in crate::config) static SIGNATURE_PREFIX: Opt<Text<Box<str>>> = Opt {
    key: "callbacks.NAME.signature_prefix",
    doc: "What stands before the signature. For `generic` only, like the options below.",
    absent: otherwise("nothing", "sha256="),
    shape: Text { name: "printable characters without spaces or commas", read: header_prefix },
};

pub(in crate::config) static SIGNATURE_ENCODING: Opt<Choice<SignatureText>> = Opt {
    key: "callbacks.NAME.signature_encoding",
    doc: "How the signature is written.",
    absent: otherwise("`hex`", "hex"),
    shape: Choice { words: &[("hex", SignatureText::Hex), ("base64", SignatureText::Base64)] },
};

pub(in crate::config) static SIGNATURE_HASH: Opt<Choice<SignedHash>> = Opt {
    key: "callbacks.NAME.signature_hash",
    doc: "What the HMAC hashes with.",
    absent: otherwise("`sha256`", "sha256"),
    shape: Choice { words: &[("sha256", SignedHash::Sha256), ("sha512", SignedHash::Sha512)] },
};

pub(in crate::config) static SIGNED: Opt<Choice<SignedParts>> = Opt {
    key: "callbacks.NAME.signed",
    doc: "What is signed. With a timestamp, which must be within five minutes, old calls cannot be sent again.",
    absent: otherwise("`body`", "timestamp.body"),
    shape: Choice {
        words: &[
            ("body", SignedParts::Body),
            ("timestamp.body", SignedParts::TimestampBody),
            ("id.timestamp.body", SignedParts::IdTimestampBody),
        ],
    },
};

pub(in crate::config) static TIMESTAMP_HEADER: Opt<Text<Box<str>>> = Opt {
    key: "callbacks.NAME.timestamp_header",
    doc: "The header with the signed timestamp, in Unix seconds.",
    absent: otherwise("needed where it is signed", "X-Timestamp"),
    shape: Text { name: "header name", read: header_name },
};

pub(in crate::config) static ID_HEADER: Opt<Text<Box<str>>> = Opt {
    key: "callbacks.NAME.id_header",
    doc: "The header with the signed id of the event.",
    absent: otherwise("needed where it is signed", "X-Event-Id"),
    shape: Text { name: "header name", read: header_name },
};
