//! When policy files are read again, from how their directory looks.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::policy::Fingerprint;

/// How often the directory is looked at. A change is read at the look after the one that saw it, so within a second.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The most looks that a directory may go on changing before it is read all the same.
const MOVING_LOOKS_MAX: u32 = 10;
/// How long files that do not seem to change are taken for unchanged. Then they are read again: a bundle that failed may
/// be fine by now, and an edit may have left no trace that a look sees.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Option<Fingerprint>,
    read: Option<Fingerprint>,
    read_at: Timestamp,
    moving_looks: u32,
}

impl Watch {
    /// Begins without having seen anything, so that the first files that come to rest are read.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { seen: None, read: None, read_at: now, moving_looks: 0 }
    }

    /// Takes a look and tells whether the files are to be read now; if so, they count as read.
    ///
    /// Files that changed are read once two looks in a row see the same: what writes them, such as a checkout, is done
    /// then.
    pub(super) fn is_due(&mut self, look: Fingerprint, now: Timestamp) -> bool {
        let is_at_rest = self.seen.as_ref() == Some(&look);
        self.seen = Some(look);
        if self.seen == self.read {
            self.moving_looks = 0;
            // A clock that was set back must not keep files from being read.
            let since = now.since(self.read_at).max(self.read_at.since(now));
            return since >= READ_AGAIN_AFTER && self.count_as_read(now);
        }
        self.moving_looks += 1;
        (is_at_rest || self.moving_looks > MOVING_LOOKS_MAX) && self.count_as_read(now)
    }

    fn count_as_read(&mut self, now: Timestamp) -> bool {
        self.read.clone_from(&self.seen);
        self.read_at = now;
        self.moving_looks = 0;
        true
    }
}

#[cfg(test)]
mod tests;
