-- Personal values in a table of their own, out of which they can be erased; a chain over what stays.

-- A decision's personal values, masked: raw ones are nowhere. Written with the decision, and deleted when its user is erased.
CREATE TABLE decision_personal (
    decision_seq INTEGER NOT NULL PRIMARY KEY,
    salt         BLOB,                              -- null of what was moved here by this migration
    metadata     TEXT    NOT NULL,                  -- JSON, `identifier` masked
    context      TEXT    NOT NULL,                  -- JSON: platform, masked address, masked identifiers
    seen         TEXT    NOT NULL                   -- JSON: what the conditions saw
) STRICT;

INSERT INTO decision_personal (decision_seq, metadata, context, seen)
SELECT seq, metadata, context, seen FROM decisions ORDER BY seq;

-- `decisions` anew, without these three, and with what proves it: 0001, 0003 and 0004 say what the other columns mean. What was
-- recorded before has no commitment and stands in no chain.
CREATE TABLE chained_decisions (
    seq             INTEGER NOT NULL PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    received_at     INTEGER NOT NULL,
    user_id         TEXT    NOT NULL,
    scope           TEXT    NOT NULL,
    verdict         TEXT    NOT NULL CHECK (verdict IN ('continue', 'review', 'block')),
    step_keys       TEXT,
    walkable_until  INTEGER,
    rule            TEXT,
    reason          TEXT    NOT NULL,
    bundle_hash     BLOB    NOT NULL,
    answer          TEXT    NOT NULL,
    metadata_digest BLOB    NOT NULL,
    outcomes        TEXT    NOT NULL,
    evaluation_ns   INTEGER NOT NULL,
    signature_hash  BLOB    NOT NULL,
    signature_kid   TEXT    NOT NULL,
    traits          TEXT    NOT NULL,
    usable_until    INTEGER,
    desk_revision   INTEGER NOT NULL,
    commitment      BLOB,                           -- SHA-256 over the salt and the personal values
    chain           BLOB,                           -- the id of the chain's first decision
    chain_number    INTEGER,                        -- the place in the chain, from 1 on
    chain_hash      BLOB,                           -- SHA-256 over the hash before and every column but `seq`
    CHECK ((verdict = 'review') = (step_keys IS NOT NULL)),
    CHECK ((step_keys IS NULL) = (walkable_until IS NULL))
) STRICT;

INSERT INTO chained_decisions (seq, id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason, bundle_hash,
       answer, metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, traits, usable_until, desk_revision)
SELECT seq, id, received_at, user_id, scope, verdict, step_keys, walkable_until, rule, reason, bundle_hash,
       answer, metadata_digest, outcomes, evaluation_ns, signature_hash, signature_kid, traits, usable_until, desk_revision
  FROM decisions ORDER BY seq;

DROP TABLE decisions;
ALTER TABLE chained_decisions RENAME TO decisions;

CREATE TRIGGER decisions_are_not_changed BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions is append only'); END;
CREATE TRIGGER decision_personal_is_not_changed BEFORE UPDATE ON decision_personal
BEGIN SELECT RAISE(ABORT, 'decision_personal is only written and erased'); END;

-- Where a chain goes on although what came before is gone: left by whoever deletes old decisions, and honoured by whoever verifies.
CREATE TABLE chain_anchors (
    chain        BLOB    NOT NULL,
    chain_number INTEGER NOT NULL CHECK (chain_number > 0),     -- of the last decision that is gone
    chain_hash   BLOB    NOT NULL CHECK (length(chain_hash) = 32),
    left_at      INTEGER NOT NULL,
    actor        TEXT    NOT NULL CHECK (actor <> ''),
    PRIMARY KEY (chain, chain_number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER chain_anchors_are_not_changed BEFORE UPDATE ON chain_anchors
BEGIN SELECT RAISE(ABORT, 'chain_anchors is append only'); END;
CREATE TRIGGER chain_anchors_are_not_deleted BEFORE DELETE ON chain_anchors
BEGIN SELECT RAISE(ABORT, 'chain_anchors is append only'); END;

-- Whose personal values were erased: one row a step, in the step's own transaction, and at least one a wish. Append only.
CREATE TABLE erasures (
    seq           INTEGER NOT NULL PRIMARY KEY,     -- the order of commit
    erased_at     INTEGER NOT NULL,
    actor         TEXT    NOT NULL CHECK (actor <> ''),
    user_key      BLOB    NOT NULL CHECK (length(user_key) > 0),    -- the keyed digest of the user
    decisions     INTEGER NOT NULL,                 -- how many decisions' values
    verifications INTEGER NOT NULL                  -- how many verifications' metadata
) STRICT;

CREATE INDEX erasures_by_user ON erasures (user_key, erased_at);

CREATE TRIGGER erasures_are_not_changed BEFORE UPDATE ON erasures
BEGIN SELECT RAISE(ABORT, 'erasures is append only'); END;
CREATE TRIGGER erasures_are_not_deleted BEFORE DELETE ON erasures
BEGIN SELECT RAISE(ABORT, 'erasures is append only'); END;

-- A verification's metadata can be erased, and nothing else of what it is about.
DROP TRIGGER verifications_keep_their_subject;
CREATE TRIGGER verifications_keep_their_subject BEFORE UPDATE OF id, reference, source, challenge_id, step_key, user_id, session_id,
    scope, decision_id, proof, opened_by, opened_at, expires_at ON verifications
BEGIN SELECT RAISE(ABORT, 'what a verification is about does not change'); END;
CREATE TRIGGER verifications_keep_or_lose_their_metadata BEFORE UPDATE OF metadata ON verifications
WHEN new.metadata IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what a verification is about does not change'); END;
