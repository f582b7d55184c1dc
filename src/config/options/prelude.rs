//! What an operator agrees with Prelude about events.

use std::path::PathBuf;

use crate::config::option::{Absent, Opt};
use crate::config::shape::{Choice, Secret, Text};
use crate::config::values::{Events, VerificationToken, path};

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
