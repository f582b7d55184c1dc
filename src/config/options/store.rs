//! The record.

use std::path::PathBuf;

use crate::config::option::{Absent, Opt};
use crate::config::shape::{Choice, Integer, Secret, Span, Text};
use crate::config::values::{StoreMigrate, StorePassword, StorePooler, StoreUrl, path};

pub(in crate::config) static URL: Opt<Text<StoreUrl>> = Opt {
    key: "store.url",
    doc: "The SQLite file; `sqlite:///var/lib/x` is absolute, a relative one starts where doorstep was started. Or a PostgreSQL \
          database, `postgres://USER@HOST:PORT/DATABASE`, 14 or newer: TLS is verified by the server's name unless \
          `?sslmode=` says otherwise, with `&sslrootcert=FILE` for an authority of your own.",
    absent: Absent::Default("sqlite://doorstep.sqlite"),
    shape: Text { name: "URL `sqlite://FILE` or `postgres://USER@HOST/DATABASE`", read: StoreUrl::parse },
};

pub(in crate::config) static PASSWORD: Opt<Secret<StorePassword>> = Opt {
    key: "store.password",
    doc: "The password for PostgreSQL. It may stand in the environment only.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "1 to 1024 characters", read: StorePassword::parse }),
};

pub(in crate::config) static PASSWORD_FILE: Opt<Text<PathBuf>> = Opt {
    key: "store.password_file",
    doc: "A file that holds the password, for those who mount secrets.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/doorstep-store-password") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static CARE_URL: Opt<Text<StoreUrl>> = Opt {
    key: "store.care_url",
    doc: "The same PostgreSQL database by the role that deletes and erases (`ops/postgres-grants.sql`): `retain`, `erase-user` and \
          `holds` go by it, and a server that has it deletes what has had its time by itself. With one role for everything write the \
          address of `store.url` here too.",
    absent: Absent::Otherwise {
        words: "none: a server on PostgreSQL deletes nothing, and the commands go by `store.url`",
        example: Some("postgres://doorstep_janitor@db.internal/doorstep"),
    },
    shape: Text { name: "URL `postgres://USER@HOST/DATABASE`", read: StoreUrl::parse_server },
};

pub(in crate::config) static CARE_PASSWORD: Opt<Secret<StorePassword>> = Opt {
    key: "store.care_password",
    doc: "That role's password. It may stand in the environment only.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text { name: "1 to 1024 characters", read: StorePassword::parse }),
};

pub(in crate::config) static CARE_PASSWORD_FILE: Opt<Text<PathBuf>> = Opt {
    key: "store.care_password_file",
    doc: "A file that holds that password.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/doorstep-care-password") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static POOLER: Opt<Choice<StorePooler>> = Opt {
    key: "store.pooler",
    doc: "What stands before PostgreSQL. `transaction` is for a pooler that gives every transaction another connection, such as \
          pgbouncer with `pool_mode = transaction`; statements are then planned anew each time.",
    absent: Absent::Default("none"),
    shape: Choice { words: &[("none", StorePooler::None), ("transaction", StorePooler::Transaction)] },
};

pub(in crate::config) static MIGRATE: Opt<Choice<StoreMigrate>> = Opt {
    key: "store.migrate",
    doc: "When the tables are brought up to date. With `never`, doorstep does not start on tables that are older or newer than \
          it, and `doorstep migrate` is somebody's task, by a role that may.",
    absent: Absent::Default("at_start"),
    shape: Choice { words: &[("at_start", StoreMigrate::AtStart), ("never", StoreMigrate::Never)] },
};

pub(in crate::config) static CONNECTIONS_MAX: Opt<Integer> = Opt {
    key: "store.connections_max",
    doc: "Connections to PostgreSQL at most. Batches of verdicts hold half of them at most.",
    absent: Absent::Default("8"),
    shape: Integer { min: 2, max: 1000 },
};

pub(in crate::config) static TIMEOUT: Opt<Span> = Opt {
    key: "store.timeout",
    doc: "How long a transaction may take, from waiting for a connection or a lock to its commit.",
    absent: Absent::Default("2s"),
    shape: Span { min: "10ms", max: "1m" },
};

pub(in crate::config) static QUEUE_MAX: Opt<Integer> = Opt {
    key: "store.queue_max",
    doc: "Verdicts that may wait to be recorded; a call beyond them is answered 503.",
    absent: Absent::Default("4096"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static BATCH_MAX: Opt<Integer> = Opt {
    key: "store.batch_max",
    doc: "Verdicts that one transaction may record.",
    absent: Absent::Default("64"),
    shape: Integer { min: 1, max: 64 },
};
