-- Which verdicts were spent: what was executed, when, and who said so. Append only: what was spent stays spent.

-- One row at most for a verdict, whichever process gets there first.
CREATE TABLE redemptions (
    decision_id BLOB    NOT NULL PRIMARY KEY CHECK (length(decision_id) = 16),
    redeemed_at INTEGER NOT NULL,
    api_key_id  TEXT    NOT NULL REFERENCES api_keys (id),
    user_id     TEXT    NOT NULL,
    scope       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER redemptions_are_not_changed BEFORE UPDATE ON redemptions
BEGIN SELECT RAISE(ABORT, 'redemptions is append only'); END;
CREATE TRIGGER redemptions_are_not_deleted BEFORE DELETE ON redemptions
BEGIN SELECT RAISE(ABORT, 'redemptions is append only'); END;
