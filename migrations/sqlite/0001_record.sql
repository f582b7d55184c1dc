-- The record: what was asked and answered, and what that needs around it.
--
-- Times are INTEGER microseconds since 1970-01-01T00:00:00Z. Digests and UUIDs are BLOBs. Lists of names (steps, roles,
-- scopes) are TEXT with one blank between; no name has a blank. Every table is STRICT, so a column holds its type.

-- One row a hook call that got a verdict. Append only: no statement updates it.
--
-- It is written at every call, so it has one index (the ids are version 7 UUIDs: an append), and no CHECK here calls a
-- function: SQLite would keep a statement journal for every batch then, which doubles what is written. The widths of the
-- BLOBs are the types' business, and whoever reads a wrong one says so.
CREATE TABLE decisions (
    seq             INTEGER NOT NULL PRIMARY KEY,   -- the order of commit
    id              BLOB    NOT NULL UNIQUE,
    received_at     INTEGER NOT NULL,
    user_id         TEXT    NOT NULL,
    scope           TEXT    NOT NULL,
    verdict         TEXT    NOT NULL CHECK (verdict IN ('continue', 'review', 'block')),
    step_keys       TEXT,                           -- a review's steps in walking order
    walkable_until  INTEGER,                        -- until when a review can be walked
    rule            TEXT,
    reason          TEXT    NOT NULL,
    bundle_hash     BLOB    NOT NULL,
    answer          TEXT    NOT NULL,               -- the answer's exact bytes
    metadata        TEXT    NOT NULL,               -- JSON, `identifier` masked
    metadata_digest BLOB    NOT NULL,               -- keyed digest of the exact metadata
    context         TEXT    NOT NULL,               -- JSON: platform, masked address, masked identifiers
    seen            TEXT    NOT NULL,               -- JSON: what the conditions saw
    outcomes        TEXT    NOT NULL,               -- one character a condition
    evaluation_ns   INTEGER NOT NULL,
    signature_hash  BLOB    NOT NULL,
    signature_kid   TEXT    NOT NULL,
    CHECK ((verdict = 'review') = (step_keys IS NOT NULL)),
    CHECK ((step_keys IS NULL) = (walkable_until IS NULL))
) STRICT;

-- Which calls were answered before, by the SHA-256 of their signature. Kept apart from the decisions, because a
-- signature is remembered as long as Prelude's key, however long decisions are kept.
--
-- This table and the next one are filed from `decisions` in sorted runs of some thousand rows. A random key written at
-- once would cost a whole page of write-ahead log a call; what is not filed yet is held in memory by the writer.
CREATE TABLE signatures (
    hash         BLOB    NOT NULL PRIMARY KEY,
    kid          TEXT    NOT NULL,
    received_at  INTEGER NOT NULL,
    decision_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which reviews a user can still walk: what a mint looks for.
CREATE TABLE walkable_reviews (
    user_id        TEXT    NOT NULL,
    scope          TEXT    NOT NULL,
    walkable_until INTEGER NOT NULL,
    decision_seq   INTEGER NOT NULL,
    PRIMARY KEY (user_id, scope, walkable_until, decision_seq)
) STRICT, WITHOUT ROWID;

-- How far the two tables above follow `decisions`. Exactly one row.
CREATE TABLE filing (
    only_row      INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    filed_through INTEGER NOT NULL                  -- the last `decisions.seq` that was filed
) STRICT;
INSERT INTO filing (only_row, filed_through) VALUES (1, 0);

-- The text of every bundle that ever decided, by its SHA-256.
CREATE TABLE bundles (
    hash           BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    text           TEXT    NOT NULL,
    first_saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last good key sets of Prelude's, for a start without network.
CREATE TABLE key_sets (
    name         TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    body         TEXT    NOT NULL,
    confirmed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Our signing keys. Times only: whether a key is pending, active, retiring or retired follows from now.
CREATE TABLE signing_keys (
    kid                TEXT    NOT NULL PRIMARY KEY CHECK (kid <> ''),
    modulus            TEXT    NOT NULL,            -- `n`, base64url
    exponent           TEXT    NOT NULL,            -- `e`, base64url
    bits               INTEGER NOT NULL CHECK (bits > 0),
    sealed_private_key BLOB    NOT NULL,
    publish_at         INTEGER NOT NULL,
    activate_at        INTEGER NOT NULL,
    retire_at          INTEGER,
    revoked_at         INTEGER,
    created_at         INTEGER NOT NULL,
    CHECK (publish_at <= activate_at),
    CHECK (retire_at IS NULL OR activate_at <= retire_at)
) STRICT, WITHOUT ROWID;

-- Sealed secrets of our own, such as the key of the keyed digests.
CREATE TABLE secrets (
    name   TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    sealed BLOB NOT NULL CHECK (length(sealed) > 0)
) STRICT, WITHOUT ROWID;

-- Who may call our API. The secret itself is never here.
CREATE TABLE api_keys (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    secret_sha256 BLOB    NOT NULL CHECK (length(secret_sha256) = 32),
    name          TEXT    NOT NULL,
    roles         TEXT    NOT NULL,
    approves_as   TEXT,
    scopes        TEXT    NOT NULL,                 -- empty: all
    steps         TEXT    NOT NULL,                 -- empty: all
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Every verification token that left, and who asked for it. Append only.
CREATE TABLE verification_tokens (
    jti          TEXT    NOT NULL PRIMARY KEY CHECK (length(jti) = 32),
    kid          TEXT    NOT NULL REFERENCES signing_keys (kid),
    api_key_id   TEXT    NOT NULL REFERENCES api_keys (id),
    user_id      TEXT    NOT NULL,
    session_id   TEXT,
    challenge_id TEXT    NOT NULL,
    step_key     TEXT    NOT NULL,
    scope        TEXT    NOT NULL,
    decision_id  BLOB             CHECK (length(decision_id) = 16),
    proof        TEXT    NOT NULL CHECK (proof IN ('challenge_token', 'vouched')),
    issued_at    INTEGER NOT NULL,
    not_before   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    CHECK (not_before <= issued_at AND issued_at < expires_at)
) STRICT, WITHOUT ROWID;
