//! Why a record cannot be read or written: what operators are told, and machines by a code.

use std::fmt;

/// What keeps a database from doing its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outage {
    /// Nobody answers at its address, or who answered is gone.
    Unreachable,
    /// It does not answer in time.
    TimedOut,
    /// It has as many connections as it takes.
    OutOfConnections,
    /// Its disk is full.
    Full,
    /// It takes no writes.
    ReadOnly,
    /// Another process holds its lock.
    Locked,
    /// It does not let us in, or not do this.
    AccessDenied,
    /// It says that its files are damaged or cannot be read.
    Damaged,
    /// More writes wait for it than may.
    Busy,
    /// It was closed by this very process.
    Closed,
    /// It failed in another way; the log has its words.
    Other,
}

impl Outage {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "store_unreachable",
            Self::TimedOut => "store_timed_out",
            Self::OutOfConnections => "store_out_of_connections",
            Self::Full => "store_full",
            Self::ReadOnly => "store_read_only",
            Self::Locked => "store_locked",
            Self::AccessDenied => "store_access_denied",
            Self::Damaged => "store_damaged",
            Self::Busy => "store_busy",
            Self::Closed => "store_closed",
            Self::Other => "store_failed",
        }
    }

    /// Whether it may be over in a moment without anybody's doing, so that who starts does well to wait.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut | Self::OutOfConnections | Self::Locked)
    }

    /// What it is and where to look.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "The database cannot be reached: look whether it runs and at the way to it (store.url)."
            }
            Self::TimedOut => {
                "The database does not answer in time: look at its load, its locks and the way to it (store.timeout)."
            }
            Self::OutOfConnections => {
                "The database has no connection left: raise its bound, or lower that of its users (store.connections_max)."
            }
            Self::Full => "The database's disk is full: make room on it.",
            Self::ReadOnly => {
                "The database takes no writes: look whether it is a replica, or its file or file system read-only."
            }
            Self::Locked => "Another process holds the database's lock: end what works in its file.",
            Self::AccessDenied => {
                "The database does not let us in or not write: look at role, password and grants (store.url)."
            }
            Self::Damaged => {
                "The database reports damage to its files: look at its own log, and have the last backup at hand."
            }
            Self::Busy => {
                "More verdicts wait than may: the database is too slow for the load (store.queue_max)."
            }
            Self::Closed => "The record was closed: this process is about to end, or must be restarted.",
            Self::Other => "The database fails: its own words are in the log.",
        }
    }
}

/// Why the record did not do what a request needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database does not do its part. The log tells when that begins and ends.
    Outage(Outage),
    /// What is wrong is with this very request or a row.
    Fault {
        /// The stable code.
        code: &'static str,
        /// All causes in one line, for the log; no value of a row is quoted.
        words: String,
    },
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
