//! The keys of `steps.yaml`.

use super::read::PLATFORM_NAMES;
use crate::policy::grammar::{APPROVER, DURATION, ID, Key, Shape, TEXT, Table};

/// The file.
pub(crate) static STEPS_FILE: Table = Table::new(
    "steps",
    "steps.yaml",
    "What users can be asked to do, where, and who may say that it is done.",
    &[&[
        Key::optional(
            "custom",
            Shape::MapOf(&ID, &Shape::Keys(&CUSTOM_STEP)),
            "Your own steps, by key. None may be called like a managed step, or `completed`, `first_of`, `expires_in`, \
             `step`.",
        ),
        Key::optional(
            "managed",
            Shape::Keys(&MANAGED),
            "Where steps that Prelude carries out itself can be walked. A step without an entry can be walked \
             everywhere, and `verify_passkey` nowhere.",
        ),
    ]],
);

const PLATFORMS: Shape = Shape::SomeList(&Shape::Words(&PLATFORM_NAMES));

/// A custom step.
pub(crate) static CUSTOM_STEP: Table = Table::new(
    "custom-step",
    "Custom step",
    "A step of your own.",
    &[&[
        Key::required("description", TEXT, "What it is, for people and for Prelude's registry of step keys."),
        Key::required(
            "approved_by",
            Shape::SomeList(&Shape::Form(&APPROVER)),
            "Who may say that it is done; anybody else gets a 403.",
        ),
        Key::optional(
            "platforms",
            PLATFORMS,
            "Where it can be walked; `[WEB]` is the default, since Prelude's native SDKs cannot continue a custom step.",
        ),
        Key::optional(
            "expires_in",
            Shape::Form(&DURATION),
            "How long the user has, where a plan does not say.",
        ),
        Key::optional(
            "token_ttl",
            Shape::Form(&DURATION),
            "How long its verification tokens live, at most `1h`; without it, as configured.",
        ),
        Key::optional(
            "without_verdict",
            Shape::Truth,
            "`true`: a token may be minted without a recorded review, for scopes that Prelude resolves itself.",
        ),
        Key::optional(
            "approval_valid_for",
            Shape::Form(&DURATION),
            "How long an approval that came after its challenge had ended is kept, at most `365d`: the next challenge of \
             the same user and scope then opens approved. Without it such an approval is lost.",
        ),
    ]],
);

/// What stands under `managed`.
pub(crate) static MANAGED: Table = Table::new(
    "managed",
    "Managed steps",
    "Prelude's own steps.",
    &[&[
        Key::optional("verify_sms", Shape::Keys(&MANAGED_STEP), "A code by SMS; it needs a phone number."),
        Key::optional(
            "verify_email",
            Shape::Keys(&MANAGED_STEP),
            "A code by e-mail; it needs an e-mail address.",
        ),
        Key::optional(
            "verify_passkey",
            Shape::Keys(&MANAGED_STEP),
            "A passkey. It is never picked until this says where users have one: a hook call does not tell.",
        ),
    ]],
);

/// A managed step.
pub(crate) static MANAGED_STEP: Table = Table::new(
    "managed-step",
    "Managed step",
    "What Doorstep is told of a step that Prelude carries out itself.",
    &[&[Key::required("platforms", PLATFORMS, "Where users can walk it.")]],
);
