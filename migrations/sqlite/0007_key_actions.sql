-- What was done to signing keys, and by whom. A key's private part that was thrown away is an empty BLOB.

-- Every action, in order. Its number is the revision of the keys that it makes, so the last one names what they are now;
-- every process looks at it each second. Append only.
CREATE TABLE key_actions (
    revision INTEGER NOT NULL PRIMARY KEY CHECK (revision > 0),
    acted_at INTEGER NOT NULL,
    actor    TEXT             CHECK (actor <> ''),  -- `cli:` and a user of the system; NULL for Doorstep itself
    deed     TEXT    NOT NULL CHECK (deed IN ('rotate', 'import', 'revoke', 'reseal', 'forget')),
    kid      TEXT             REFERENCES signing_keys (kid)
) STRICT;

CREATE TRIGGER key_actions_are_not_changed BEFORE UPDATE ON key_actions
BEGIN SELECT RAISE(ABORT, 'key_actions is append only'); END;
CREATE TRIGGER key_actions_are_not_deleted BEFORE DELETE ON key_actions
BEGIN SELECT RAISE(ABORT, 'key_actions is append only'); END;
