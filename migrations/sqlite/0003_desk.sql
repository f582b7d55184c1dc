-- The fraud desk: entries of lists and paused scopes that act at once, and who did what.

-- What the desk said when a decision was made: the number of its last action, 0 before the first.
ALTER TABLE decisions ADD COLUMN desk_revision INTEGER NOT NULL DEFAULT 0;

-- Every action, in order. Its number is the revision of the desk that it makes, so the last one names what the desk says
-- now; every batch of decisions reads it. Append only.
CREATE TABLE desk_actions (
    revision INTEGER NOT NULL PRIMARY KEY CHECK (revision > 0),
    acted_at INTEGER NOT NULL,
    actor    TEXT    NOT NULL CHECK (actor <> ''),  -- an API key's id, or cli:USER
    deed     TEXT    NOT NULL CHECK (deed IN ('list_add', 'list_remove', 'scope_pause', 'scope_resume')),
    subject  TEXT    NOT NULL,                      -- the list or the scope
    value    TEXT,                                  -- the entry; may be personal
    until    INTEGER,
    reason   TEXT    NOT NULL CHECK (reason <> ''),
    CHECK ((deed IN ('list_add', 'list_remove')) = (value IS NOT NULL))
) STRICT;

CREATE TRIGGER desk_actions_are_not_changed BEFORE UPDATE ON desk_actions
BEGIN SELECT RAISE(ABORT, 'desk_actions is append only'); END;
CREATE TRIGGER desk_actions_are_not_deleted BEFORE DELETE ON desk_actions
BEGIN SELECT RAISE(ABORT, 'desk_actions is append only'); END;

-- What the desk says of values of lists, one word a value. The files' own entries are not here.
CREATE TABLE desk_entries (
    list     TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    effect   TEXT    NOT NULL CHECK (effect IN ('added', 'removed')),
    until    INTEGER,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    acted_at INTEGER NOT NULL,
    PRIMARY KEY (list, value)
) STRICT, WITHOUT ROWID;

-- The scopes for which nothing is granted.
CREATE TABLE desk_pauses (
    scope    TEXT    NOT NULL PRIMARY KEY,
    until    INTEGER,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    acted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
