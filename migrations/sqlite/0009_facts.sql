-- What happened to users outside of Doorstep, as the customer's systems reported it. Append only: policies count it.

CREATE TABLE facts (
    seq         INTEGER NOT NULL PRIMARY KEY,   -- the order of commit
    user_key    BLOB    NOT NULL,               -- the keyed digest by which conditions on the past find it
    user_id     TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    api_key_id  TEXT    NOT NULL REFERENCES api_keys (id),
    id          TEXT    CHECK (id <> '')        -- the caller's own name for it; null where it gave none
) STRICT;

CREATE INDEX facts_by_user ON facts (user_key, kind, happened_at);
-- What is reported twice under one name counts once.
CREATE UNIQUE INDEX facts_by_id ON facts (user_key, kind, id) WHERE id IS NOT NULL;

CREATE TRIGGER facts_are_not_changed BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'facts is append only'); END;
CREATE TRIGGER facts_are_not_deleted BEFORE DELETE ON facts
BEGIN SELECT RAISE(ABORT, 'facts is append only'); END;
