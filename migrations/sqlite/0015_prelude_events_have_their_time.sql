-- What Prelude told goes by age too. A mark's name stands in a check, which SQLite changes with the whole table; the triggers that look
-- into it are made anew beside it. 0012 says what they mean.

DROP TRIGGER facts_have_their_time;
DROP TRIGGER desk_actions_have_their_time;

CREATE TABLE marks_of_retention (
    what    TEXT    NOT NULL CHECK (what IN ('decisions', 'personal_values', 'verifications', 'provider_events', 'redemptions', 'facts',
                                             'accesses', 'desk_actions', 'policy_activations', 'signatures', 'prelude_events')),
    before  INTEGER NOT NULL,
    left_at INTEGER NOT NULL,
    actor   TEXT    NOT NULL CHECK (actor <> ''),
    PRIMARY KEY (what, before)
) STRICT, WITHOUT ROWID;
INSERT INTO marks_of_retention (what, before, left_at, actor) SELECT what, before, left_at, actor FROM retention_marks;
DROP TABLE retention_marks;
ALTER TABLE marks_of_retention RENAME TO retention_marks;

CREATE TRIGGER retention_marks_are_not_changed BEFORE UPDATE ON retention_marks
BEGIN SELECT RAISE(ABORT, 'retention_marks is append only'); END;
CREATE TRIGGER retention_marks_are_not_deleted BEFORE DELETE ON retention_marks
BEGIN SELECT RAISE(ABORT, 'retention_marks is append only'); END;

CREATE TRIGGER facts_have_their_time BEFORE DELETE ON facts
WHEN NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'facts' AND before > old.recorded_at)
BEGIN SELECT RAISE(ABORT, 'facts is append only until a fact has had its time'); END;
CREATE TRIGGER desk_actions_have_their_time BEFORE DELETE ON desk_actions
WHEN old.revision = (SELECT max(revision) FROM desk_actions)
     OR NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'desk_actions' AND before > old.acted_at)
BEGIN SELECT RAISE(ABORT, 'desk_actions is append only until an action has had its time'); END;
CREATE TRIGGER prelude_events_have_their_time BEFORE DELETE ON prelude_events
WHEN NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'prelude_events' AND before > old.received_at)
BEGIN SELECT RAISE(ABORT, 'prelude_events is append only until an event has had its time'); END;
