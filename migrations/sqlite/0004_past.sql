-- What later calls ask about earlier ones: who and what a call was about, and until when its grant can be used.

-- Blank-separated `WORD=VALUE`: `user`, `ip`, `identifier` and `metadata.NAME` with a keyed digest in hexadecimal,
-- `money.NAME` with `AMOUNT:CURRENCY`. Raw values are nowhere.
ALTER TABLE decisions ADD COLUMN traits TEXT NOT NULL DEFAULT '';
-- Of a continue or review: until when it can still be executed.
ALTER TABLE decisions ADD COLUMN usable_until INTEGER;

-- Which decisions were about a subject, so far the user: what a condition on the past looks up. Filed late, like `signatures`.
CREATE TABLE decision_subjects (
    subject      BLOB    NOT NULL,                  -- the keyed digest
    received_at  INTEGER NOT NULL,
    decision_seq INTEGER NOT NULL,
    PRIMARY KEY (subject, received_at, decision_seq)
) STRICT, WITHOUT ROWID;
