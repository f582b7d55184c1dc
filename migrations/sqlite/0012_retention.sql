-- What has had its time goes, and says so: anchors where decisions were deleted, marks where personal values were, users whose rows
-- stay for a court, and Prelude's keys, whose signatures are remembered as long as they are believed.

-- An anchor says which decisions of a chain are gone, not only the last of them; the seal shows that it is ours. Nothing wrote
-- anchors before.
ALTER TABLE chain_anchors ADD COLUMN first_number INTEGER NOT NULL DEFAULT 1 CHECK (first_number > 0);
ALTER TABLE chain_anchors ADD COLUMN seal BLOB;

-- Not even the owner deletes a decision of a chain without leaving an anchor first.
CREATE TRIGGER decisions_leave_an_anchor BEFORE DELETE ON decisions
WHEN old.chain IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM chain_anchors AS a
                      WHERE a.chain = old.chain AND a.chain_number >= old.chain_number AND a.first_number <= old.chain_number)
BEGIN SELECT RAISE(ABORT, 'a decision is deleted only where an anchor is left'); END;

-- What is older than a moment and may be gone: one row for each moment at which something was deleted. Append only.
CREATE TABLE retention_marks (
    what    TEXT    NOT NULL CHECK (what IN ('decisions', 'personal_values', 'verifications', 'provider_events', 'redemptions', 'facts',
                                             'accesses', 'desk_actions', 'policy_activations', 'signatures')),
    before  INTEGER NOT NULL,
    left_at INTEGER NOT NULL,
    actor   TEXT    NOT NULL CHECK (actor <> ''),
    PRIMARY KEY (what, before)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER retention_marks_are_not_changed BEFORE UPDATE ON retention_marks
BEGIN SELECT RAISE(ABORT, 'retention_marks is append only'); END;
CREATE TRIGGER retention_marks_are_not_deleted BEFORE DELETE ON retention_marks
BEGIN SELECT RAISE(ABORT, 'retention_marks is append only'); END;

-- Whose turn it is to look for what has had its time. Exactly one row.
CREATE TABLE retention_turn (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    begun_at INTEGER NOT NULL                       -- when somebody took it last
) STRICT;
INSERT INTO retention_turn (only_row, begun_at) VALUES (1, 0);

-- Legal holds: nothing of these users is deleted or erased. A hold is ended once, and stays as a row.
CREATE TABLE user_holds (
    seq            INTEGER NOT NULL PRIMARY KEY,
    user_id        TEXT    NOT NULL CHECK (user_id <> ''),
    held_at        INTEGER NOT NULL,
    until          INTEGER,
    actor          TEXT    NOT NULL CHECK (actor <> ''),
    reason         TEXT    NOT NULL CHECK (reason <> ''),
    released_at    INTEGER,
    released_by    TEXT,
    release_reason TEXT,
    CHECK ((released_at IS NULL) = (released_by IS NULL)),
    CHECK ((released_at IS NULL) = (release_reason IS NULL))
) STRICT;
CREATE UNIQUE INDEX user_holds_open ON user_holds (user_id) WHERE released_at IS NULL;
CREATE TRIGGER user_holds_are_ended_once BEFORE UPDATE ON user_holds
WHEN old.released_at IS NOT NULL OR new.seq <> old.seq OR new.user_id <> old.user_id OR new.held_at <> old.held_at
     OR new.until IS NOT old.until OR new.actor <> old.actor OR new.reason <> old.reason
BEGIN SELECT RAISE(ABORT, 'a hold is ended once and stays'); END;
CREATE TRIGGER user_holds_are_not_deleted BEFORE DELETE ON user_holds
BEGIN SELECT RAISE(ABORT, 'a hold is ended once and stays'); END;

-- Prelude's keys for hook calls, as confirmed key sets had them. A signature is remembered as long as its key may be believed; a key
-- whose signatures are forgotten is never believed again.
CREATE TABLE prelude_keys (
    kid           TEXT    NOT NULL,
    thumbprint    BLOB    NOT NULL,                 -- SHA-256 of the public key; empty for keys from before this table
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,                 -- the last confirmed set with it
    gone_since    INTEGER,                          -- the first confirmed set without it since then
    retired_at    INTEGER,                          -- since when it is not believed any more
    cleaned_at    INTEGER,                          -- when all its signatures were forgotten
    PRIMARY KEY (kid, thumbprint)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER prelude_keys_stay_retired BEFORE UPDATE ON prelude_keys
WHEN old.retired_at IS NOT NULL AND (new.retired_at IS NOT old.retired_at OR new.kid <> old.kid OR new.thumbprint <> old.thumbprint)
BEGIN SELECT RAISE(ABORT, 'a key that was retired stays so'); END;
CREATE TRIGGER prelude_keys_are_not_deleted BEFORE DELETE ON prelude_keys
BEGIN SELECT RAISE(ABORT, 'a key that was retired stays so'); END;
INSERT INTO prelude_keys (kid, thumbprint, first_seen_at, last_seen_at)
SELECT signature_kid, x'', min(received_at), max(received_at) FROM decisions GROUP BY signature_kid;

-- What is append only can be deleted once it has had its time; what was spent stays spent as long as the decision is there.
DROP TRIGGER redemptions_are_not_deleted;
CREATE TRIGGER redemptions_outlast_their_decision BEFORE DELETE ON redemptions
WHEN EXISTS (SELECT 1 FROM decisions WHERE id = old.decision_id)
BEGIN SELECT RAISE(ABORT, 'redemptions is append only as long as the decision is there'); END;
DROP TRIGGER facts_are_not_deleted;
CREATE TRIGGER facts_have_their_time BEFORE DELETE ON facts
WHEN NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'facts' AND before > old.recorded_at)
BEGIN SELECT RAISE(ABORT, 'facts is append only until a fact has had its time'); END;
DROP TRIGGER desk_actions_are_not_deleted;
-- The last one names what the desk says now.
CREATE TRIGGER desk_actions_have_their_time BEFORE DELETE ON desk_actions
WHEN old.revision = (SELECT max(revision) FROM desk_actions)
     OR NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'desk_actions' AND before > old.acted_at)
BEGIN SELECT RAISE(ABORT, 'desk_actions is append only until an action has had its time'); END;

-- For finding what has had its time.
CREATE INDEX verifications_with_metadata ON verifications (opened_at) WHERE metadata IS NOT NULL;
CREATE INDEX provider_events_without ON provider_events (received_at) WHERE verification_id IS NULL;
CREATE INDEX kept_answers_by_token ON kept_answers (jti) WHERE jti IS NOT NULL;
