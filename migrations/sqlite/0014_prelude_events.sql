-- What Prelude tells by webhook: each event once, what follows from it in the same transaction, and whose erasure it asks for.

-- Never an event's own text: its keyed digest tells whether it came before.
CREATE TABLE prelude_events (
    seq         INTEGER NOT NULL PRIMARY KEY,   -- the order of commit
    digest      BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    kind        TEXT    NOT NULL CHECK (kind <> ''),    -- Prelude's type; `unknown` for one that we do not know
    happened_at INTEGER NOT NULL,               -- by Prelude's clock, where it says; never after `received_at`
    received_at INTEGER NOT NULL,
    reason      TEXT                            -- why Prelude could not use an answer of the hook
) STRICT;

CREATE INDEX prelude_events_of_failures ON prelude_events (happened_at) WHERE reason IS NOT NULL;

CREATE TRIGGER prelude_events_are_not_changed BEFORE UPDATE ON prelude_events
BEGIN SELECT RAISE(ABORT, 'prelude_events is append only'); END;

-- Users who are to be erased. A row goes when that is done; `erasures` says so.
CREATE TABLE erasure_queue (
    user_id   TEXT    NOT NULL PRIMARY KEY,
    wished_at INTEGER NOT NULL,
    actor     TEXT    NOT NULL CHECK (actor <> '')
) STRICT, WITHOUT ROWID;

-- `facts` anew: Prelude reports some, and has no API key of ours. 0009 and 0012 say what columns and triggers mean.
CREATE TABLE reported_facts (
    seq         INTEGER NOT NULL PRIMARY KEY,
    user_key    BLOB    NOT NULL,
    user_id     TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    api_key_id  TEXT    REFERENCES api_keys (id),       -- null for what Prelude said
    id          TEXT    CHECK (id <> '')
) STRICT;

INSERT INTO reported_facts (seq, user_key, user_id, kind, happened_at, recorded_at, api_key_id, id)
SELECT seq, user_key, user_id, kind, happened_at, recorded_at, api_key_id, id FROM facts ORDER BY seq;

DROP TABLE facts;
ALTER TABLE reported_facts RENAME TO facts;

CREATE INDEX facts_by_user ON facts (user_key, kind, happened_at);
CREATE UNIQUE INDEX facts_by_id ON facts (user_key, kind, id) WHERE id IS NOT NULL;
CREATE TRIGGER facts_are_not_changed BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'facts is append only'); END;
CREATE TRIGGER facts_have_their_time BEFORE DELETE ON facts
WHEN NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'facts' AND before > old.recorded_at)
BEGIN SELECT RAISE(ABORT, 'facts is append only until a fact has had its time'); END;
