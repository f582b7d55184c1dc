//! What an operator agrees with Prelude: events, and how Prelude's side is configured.

use std::path::PathBuf;

use crate::config::option::{Absent, Opt};
use crate::config::shape::{Choice, Secret, Text};
use crate::config::values::{ConfigShape, Events, HttpUrl, ManagementKey, VerificationToken, base_url, path};

pub(in crate::config) static EVENTS: Opt<Choice<Events>> = Opt {
    key: "prelude.events",
    doc: "Whether Prelude's webhook is taken, at `/hooks/events`: facts about identifiers for policies, the end of \
          sessions, users to erase, and answers of the hook that Prelude could not use.",
    absent: Absent::Default("off"),
    shape: Choice { words: &[("off", Events::Off), ("on", Events::On)] },
};

pub(in crate::config) static VERIFICATION_TOKEN: Opt<Secret<VerificationToken>> = Opt {
    key: "prelude.verification_token",
    doc: "What Prelude shows when it activates the webhook; `openssl rand -hex 32` makes one. It, or the file below, is \
          needed where events are on.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "16 to 100 visible ASCII characters", read: VerificationToken::parse }),
};

pub(in crate::config) static VERIFICATION_TOKEN_FILE: Opt<Text<PathBuf>> = Opt {
    key: "prelude.verification_token_file",
    doc: "A file that holds the verification token, for those who mount secrets.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/doorstep-verification-token") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static PUBLIC_URL: Opt<Text<HttpUrl>> = Opt {
    key: "prelude.public_url",
    doc: "How Prelude reaches this installation: the address before `/hooks/stepup`. `doorstep prelude` and \
          `doctor --prelude` need it; what is registered under it counts as ours.",
    absent: Absent::Otherwise { words: "none", example: Some("https://doorstep.acme.example") },
    shape: Text { name: "https URL", read: base_url },
};

pub(in crate::config) static MANAGEMENT_URL: Opt<Text<HttpUrl>> = Opt {
    key: "prelude.management_url",
    doc: "Where Prelude's management API is. Plain http is for this machine in development mode.",
    absent: Absent::Default("https://api.prelude.dev"),
    shape: Text { name: "https URL", read: base_url },
};

pub(in crate::config) static MANAGEMENT_KEY: Opt<Secret<ManagementKey>> = Opt {
    key: "prelude.management_key",
    doc: "The key of Prelude's management API, for `doorstep prelude` and `doctor --prelude`; a server needs none. It may \
          stand in the environment only.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "8 to 512 visible ASCII characters", read: ManagementKey::parse }),
};

pub(in crate::config) static MANAGEMENT_KEY_FILE: Opt<Text<PathBuf>> = Opt {
    key: "prelude.management_key_file",
    doc: "A file that holds the management key, for those who mount secrets.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/prelude-management-key") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static CONFIG_SHAPE: Opt<Choice<ConfigShape>> = Opt {
    key: "prelude.config_shape",
    doc: "How scopes are delegated at Prelude: `per-scope`, an entry a scope with its own hook, is the newer shape; \
          `one-hook`, `signal_hook_url` for all of them, the older one.",
    absent: Absent::Default("per-scope"),
    shape: Choice { words: &[("per-scope", ConfigShape::PerScope), ("one-hook", ConfigShape::OneHook)] },
};
