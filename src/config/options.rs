//! Every option there is: the one table that reading, checking, suggesting and the reference follow.

use std::path::PathBuf;

pub(super) mod callbacks;
pub(super) mod prelude;
pub(super) mod retention;
pub(super) mod server;
pub(super) mod store;
pub(super) mod tracing;

use super::option::{Absent, AnyOption, Opt};
use super::shape::{Choice, Integer, OneOf, Secret, Span, Text};
use super::values::{
    AppId, EncryptionKey, HttpUrl, LogFormat, LogLevels, Mode, PolicyReload, SessionDomain, path,
};

/// The sections and what they are about; options without a section come first.
pub(super) const SECTIONS: [(&str, &str); 10] = [
    ("server", "The HTTP server."),
    ("prelude", "Prelude's side: whose application this is and where its public keys are."),
    ("policies", "The rules."),
    ("store", "The record of every verdict."),
    (
        "retention",
        "How long what is recorded is kept: a duration or `forever`. What has had its time goes in small steps; on PostgreSQL that is \
         the second role's work. A policy that looks further back does not come into force.",
    ),
    ("keys", "The keys that sign verification tokens."),
    ("tokens", "The tokens: those we make and those we take."),
    (
        callbacks::SECTION,
        "Identity-check providers that finish custom steps by webhook, a table each under a name of your choice.",
    ),
    ("log", "Log lines, which go to standard error and never hold tokens, bodies or personal data."),
    (
        "tracing",
        "Traces for an OpenTelemetry collector: what a request goes through, without anything of users.",
    ),
];

/// Every option, section by section.
pub(super) fn all() -> impl Iterator<Item = &'static dyn AnyOption> {
    std::iter::once(&FIRST).chain(&server::ALL).chain(&ALL).chain(&callbacks::ALL).copied()
}

/// The option of a key.
pub(super) fn find(key: &str) -> Option<&'static dyn AnyOption> {
    let general = callbacks::general(key);
    all().find(|option| option.key() == general.as_deref().unwrap_or(key))
}

/// The option that stands in no section.
static FIRST: &dyn AnyOption = &MODE;

static ALL: [&dyn AnyOption; 61] = [
    &APP_ID,
    &SESSION_DOMAIN,
    &KEY_SET_URL,
    &STEP_UP_KEY_SET_URL,
    &CA_FILE,
    &KEY_SET_REFRESH,
    &KEY_SET_REFETCH,
    &prelude::EVENTS,
    &prelude::VERIFICATION_TOKEN,
    &prelude::VERIFICATION_TOKEN_FILE,
    &prelude::PUBLIC_URL,
    &prelude::MANAGEMENT_URL,
    &prelude::MANAGEMENT_KEY,
    &prelude::MANAGEMENT_KEY_FILE,
    &prelude::CONFIG_SHAPE,
    &POLICIES_DIR,
    &POLICIES_RELOAD,
    &store::URL,
    &store::PASSWORD,
    &store::PASSWORD_FILE,
    &store::CARE_URL,
    &store::CARE_PASSWORD,
    &store::CARE_PASSWORD_FILE,
    &store::POOLER,
    &store::MIGRATE,
    &store::CONNECTIONS_MAX,
    &store::TIMEOUT,
    &store::QUEUE_MAX,
    &store::BATCH_MAX,
    &retention::DECISIONS,
    &retention::PERSONAL_VALUES,
    &retention::ERASED_USERS,
    &retention::REDEMPTIONS,
    &retention::VERIFICATIONS,
    &retention::FACTS,
    &retention::PRELUDE_EVENTS,
    &retention::ACCESSES,
    &retention::DESK_ACTIONS,
    &retention::ACTIVATIONS,
    &retention::SIGNATURES,
    &ENCRYPTION_KEY,
    &ENCRYPTION_KEY_FILE,
    &PREVIOUS_KEY,
    &PREVIOUS_KEY_FILE,
    &ROTATE_EVERY,
    &KEY_BITS,
    &KEY_CLOCK_SKEW,
    &JWKS_CACHE,
    &TTL,
    &PER_VERIFICATION_MAX,
    &NOT_BEFORE_SKEW,
    &CHALLENGE_CLOCK_SKEW,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &tracing::ENDPOINT,
    &tracing::CA_FILE,
    &tracing::HEADERS,
    &tracing::HEADERS_FILE,
    &tracing::COMPRESSION,
    &tracing::SAMPLED_PERCENT,
    &tracing::ATTRIBUTES,
];

pub(super) static MODE: Opt<Choice<Mode>> = Opt {
    key: "mode",
    doc: "How strict this installation is. `development` (also `--dev`) allows what only people at work may do: plain \
          http to this machine, and an encryption key that is made on the spot.",
    absent: Absent::Default("production"),
    shape: Choice { words: &[("production", Mode::Production), ("development", Mode::Development)] },
};

pub(super) static APP_ID: Opt<Text<AppId>> = Opt {
    key: "prelude.app_id",
    doc: "Your application's id at Prelude.",
    absent: Absent::Required { example: "acme" },
    shape: Text { name: "host label: a-z 0-9 and inner hyphens, 1 to 63", read: AppId::parse },
};

pub(super) static SESSION_DOMAIN: Opt<Text<SessionDomain>> = Opt {
    key: "prelude.session_domain",
    doc: "The host that serves your application's sessions, where it is your own.",
    absent: Absent::Otherwise {
        words: "`<app_id>.session.prelude.dev`",
        example: Some("session.acme.example"),
    },
    shape: Text { name: "host name", read: SessionDomain::parse },
};

pub(super) static KEY_SET_URL: Opt<Text<HttpUrl>> = Opt {
    key: "prelude.key_set_url",
    doc: "Where the keys are that sign hook calls. Plain http is for this machine in development mode.",
    absent: Absent::Otherwise {
        words: "`https://<session_domain>/.well-known/jwks.json`",
        example: Some("https://session.acme.example/.well-known/jwks.json"),
    },
    shape: Text { name: "https URL", read: HttpUrl::parse },
};

pub(super) static STEP_UP_KEY_SET_URL: Opt<Text<HttpUrl>> = Opt {
    key: "prelude.step_up_key_set_url",
    doc: "Where the keys are that sign challenge tokens. Plain http is for this machine in development mode.",
    absent: Absent::Otherwise {
        words: "`https://<session_domain>/.well-known/step-up-jwks.json`",
        example: Some("https://session.acme.example/.well-known/step-up-jwks.json"),
    },
    shape: Text { name: "https URL", read: HttpUrl::parse },
};

pub(super) static CA_FILE: Opt<Text<PathBuf>> = Opt {
    key: "prelude.ca_file",
    doc: "A PEM file of certificate authorities to trust when fetching the key sets, for networks whose proxy ends TLS.",
    absent: Absent::Otherwise {
        words: "the system's authorities",
        example: Some("/etc/doorstep/proxy-ca.pem"),
    },
    shape: Text { name: "path", read: path },
};

pub(super) static KEY_SET_REFRESH: Opt<Span> = Opt {
    key: "prelude.key_set_refresh",
    doc: "How often the key sets are fetched anew. One that could not be confirmed for 24 h is no longer trusted.",
    absent: Absent::Default("5m"),
    shape: Span { min: "1s", max: "6h" },
};

pub(super) static KEY_SET_REFETCH: Opt<Span> = Opt {
    key: "prelude.key_set_refetch_every",
    doc: "The shortest time between two fetches that calls cause which name a key that is not in the set, whoever sends them.",
    absent: Absent::Default("5s"),
    shape: Span { min: "1s", max: "5m" },
};

pub(super) static POLICIES_DIR: Opt<Text<PathBuf>> = Opt {
    key: "policies.dir",
    doc: "The folder of the policy bundle; a relative one starts where doorstep was started.",
    absent: Absent::Default("policies"),
    shape: Text { name: "path", read: path },
};

pub(super) static POLICIES_RELOAD: Opt<Choice<PolicyReload>> = Opt {
    key: "policies.reload",
    doc: "When the files of the bundle are read again while calls go on. `watched`: within two seconds of a change, and \
          every 30 s until they are fine; `asked`: only at SIGHUP or `POST /v1/policies/reload`, which `watched` takes \
          too. A bundle with faults changes nothing.",
    absent: Absent::Default("watched"),
    shape: Choice { words: &[("watched", PolicyReload::Watched), ("asked", PolicyReload::Asked)] },
};

pub(super) static ENCRYPTION_KEY: Opt<Secret<EncryptionKey>> = Opt {
    key: "keys.encryption_key",
    doc: "The key that seals signing keys in the store; `openssl rand -base64 32` makes one. It may stand in the \
          environment only. `serve` needs it, or the file below, in production.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "32 bytes in base64 or hexadecimal", read: EncryptionKey::parse }),
};

pub(super) static ENCRYPTION_KEY_FILE: Opt<Text<PathBuf>> = Opt {
    key: "keys.encryption_key_file",
    doc: "A file that holds the encryption key, for those who mount secrets.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/doorstep-encryption-key") },
    shape: Text { name: "path", read: path },
};

pub(super) static PREVIOUS_KEY: Opt<Secret<EncryptionKey>> = Opt {
    key: "keys.previous_encryption_key",
    doc: "The encryption key before, while everything moves from it to the new one: it still opens, and \
          `doorstep keys reseal` moves. It may stand in the environment only.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "32 bytes in base64 or hexadecimal", read: EncryptionKey::parse }),
};

pub(super) static PREVIOUS_KEY_FILE: Opt<Text<PathBuf>> = Opt {
    key: "keys.previous_encryption_key_file",
    doc: "A file that holds the encryption key before.",
    absent: Absent::Otherwise {
        words: "none",
        example: Some("/run/secrets/doorstep-previous-encryption-key"),
    },
    shape: Text { name: "path", read: path },
};

pub(super) static ROTATE_EVERY: Opt<Span> = Opt {
    key: "keys.rotate_every",
    doc: "How long a key signs before the next one, made by whichever process comes first, takes over. It may not be \
          shorter than the time that a new key stands in the key set before it signs: 1.1 times `jwks_cache`, twice \
          `clock_skew` and three seconds.",
    absent: Absent::Default("90d"),
    shape: Span { min: "1s", max: "1000d" },
};

pub(super) static KEY_BITS: Opt<OneOf> = Opt {
    key: "keys.bits",
    doc: "The size of keys that are made from now on. Prelude does not say how large a key it takes; 2048 is what \
          everybody takes.",
    absent: Absent::Default("2048"),
    shape: OneOf { numbers: &[2048, 3072, 4096] },
};

pub(super) static KEY_CLOCK_SKEW: Opt<Span> = Opt {
    key: "keys.clock_skew",
    doc: "The most that the clocks of two processes, or ours and Prelude's, are apart.",
    absent: Absent::Default("30s"),
    shape: Span { min: "0s", max: "5m" },
};

pub(super) static JWKS_CACHE: Opt<Span> = Opt {
    key: "keys.jwks_cache",
    doc: "How long Prelude keeps our key set: ten minutes. Shorter is for tests of a rotation, in development mode.",
    absent: Absent::Default("10m"),
    shape: Span { min: "1s", max: "1d" },
};

pub(super) static TTL: Opt<Span> = Opt {
    key: "tokens.ttl",
    doc: "How long a verification token lives.",
    absent: Absent::Default("5m"),
    shape: Span { min: "30s", max: "1h" },
};

pub(super) static PER_VERIFICATION_MAX: Opt<Integer> = Opt {
    key: "tokens.per_verification_max",
    doc: "How many verification tokens one approval may get: answers are lost now and then, and a token is good once.",
    absent: Absent::Default("5"),
    shape: Integer { min: 1, max: 100 },
};

pub(super) static NOT_BEFORE_SKEW: Opt<Span> = Opt {
    key: "tokens.not_before_skew",
    doc: "How far before its making a verification token is already good, for clocks behind ours.",
    absent: Absent::Default("5s"),
    shape: Span { min: "0s", max: "60s" },
};

pub(super) static CHALLENGE_CLOCK_SKEW: Opt<Span> = Opt {
    key: "tokens.challenge_clock_skew",
    doc: "How far Prelude's clock may be from ours when a challenge token's times are judged.",
    absent: Absent::Default("5s"),
    shape: Span { min: "0s", max: "60s" },
};

pub(super) static LOG_LEVEL: Opt<Text<LogLevels>> = Opt {
    key: "log.level",
    doc: "The least severity that is logged: `error`, `warn`, `info`, `debug` or `trace`. Rooms of the house \
          (docs/ARCHITECTURE.md) may have another one after it: `info,http=debug,store=trace`. SIGHUP has it read again, \
          without a restart. Libraries never log below `warn`: their details could hold secrets.",
    absent: Absent::Default("info"),
    shape: Text { name: "level, and `room=level` after it with commas between", read: LogLevels::parse },
};

pub(super) static LOG_FORMAT: Opt<Choice<LogFormat>> = Opt {
    key: "log.format",
    doc: "How log lines look: one JSON object a line, or for people.",
    absent: Absent::Default("json"),
    shape: Choice { words: &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)] },
};
