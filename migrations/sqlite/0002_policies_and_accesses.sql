-- Which policy was in force when, and who looked at the record. Both append only: no statement updates or deletes a row.

-- One row whenever a process took a policy into force, written before that policy decided its first call.
CREATE TABLE policy_activations (
    seq           INTEGER NOT NULL PRIMARY KEY,     -- the order of commit
    at            INTEGER NOT NULL,
    bundle_hash   BLOB    NOT NULL REFERENCES bundles (hash),
    previous_hash BLOB,                             -- the policy before it
    trigger       TEXT    NOT NULL,                 -- `start`, `watch`, `signal` or `api:` and a key's id
    changes       TEXT                              -- JSON: how the two differ
) STRICT;

-- One row for each look at recorded decisions, at policies or at this table, written before the answer leaves.
CREATE TABLE accesses (
    seq     INTEGER NOT NULL PRIMARY KEY,           -- the order of commit
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL CHECK (actor <> ''),   -- `api:` and a key's id, or `cli:` and a user of the system
    action  TEXT    NOT NULL CHECK (action <> ''),
    subject TEXT                                    -- a decision's id, or `user:` and a keyed digest of a user's id
) STRICT;

-- For the question who looked at a user or a decision.
CREATE INDEX accesses_by_subject ON accesses (subject, seq) WHERE subject IS NOT NULL;
