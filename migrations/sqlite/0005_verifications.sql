-- The life of custom steps: who opened, decided and withdrew what, and the answers that a repeated POST gets again.

-- One row a challenge and step. What was decided never changes; a pending one past `expires_at` counts as expired, whether or
-- not somebody has noted it yet.
CREATE TABLE verifications (
    seq             INTEGER NOT NULL PRIMARY KEY,   -- the order of opening
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    reference       TEXT    NOT NULL UNIQUE CHECK (length(reference) = 32),
    source          TEXT,                           -- the only provider that may speak of the reference
    challenge_id    TEXT    NOT NULL,
    step_key        TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    session_id      TEXT,
    scope           TEXT    NOT NULL,
    metadata        TEXT,                           -- JSON, `identifier` masked; null where nobody said
    decision_id     BLOB             CHECK (length(decision_id) = 16),      -- the review that asked for the step
    proof           TEXT    NOT NULL CHECK (proof IN ('challenge_token', 'vouched')),
    opened_by       TEXT    NOT NULL REFERENCES api_keys (id),
    opened_at       INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL CHECK (version > 0),
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
    decided_at      INTEGER,
    decided_as      TEXT,                           -- `backend`, `person` or `provider:NAME`
    actor           TEXT,                           -- the human or system that decided
    reason          TEXT,
    withdrawn_at    INTEGER,                        -- since when it cannot be approved and no token is minted from it
    withdrawn_for   TEXT,
    UNIQUE (challenge_id, step_key),
    CHECK ((state IN ('approved', 'rejected')) = (decided_at IS NOT NULL)),
    CHECK ((decided_at IS NULL) = (decided_as IS NULL)),
    CHECK ((decided_at IS NULL) = (actor IS NULL)),
    CHECK ((decided_at IS NULL) = (reason IS NULL)),
    CHECK (withdrawn_at IS NULL OR state <> 'rejected'),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_for IS NULL)),
    CHECK (opened_at < expires_at)
) STRICT;

CREATE INDEX verifications_by_user ON verifications (user_id, scope, step_key);
CREATE INDEX verifications_by_session ON verifications (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX verifications_by_decision ON verifications (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE state = 'pending';

-- A decision is made once: not even we can take it back or change it.
CREATE TRIGGER verifications_are_decided_once BEFORE UPDATE OF state, decided_at, decided_as, actor, reason ON verifications
WHEN old.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a verification is decided once'); END;
CREATE TRIGGER verifications_keep_their_subject BEFORE UPDATE OF id, reference, source, challenge_id, step_key, user_id, session_id,
    scope, metadata, decision_id, proof, opened_by, opened_at, expires_at ON verifications
BEGIN SELECT RAISE(ABORT, 'what a verification is about does not change'); END;

-- What happened to a verification, in order; its version is the number of its last event. Append only.
CREATE TABLE verification_events (
    seq             INTEGER NOT NULL PRIMARY KEY,   -- the order of commit
    verification_id BLOB    NOT NULL REFERENCES verifications (id),
    version         INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('opened', 'approved', 'rejected', 'expired', 'approved_late', 'withdrawn',
                                                     'provider_event')),
    actor           TEXT    NOT NULL CHECK (actor <> ''),
    detail          TEXT,
    UNIQUE (verification_id, version)
) STRICT;

CREATE TRIGGER verification_events_are_not_changed BEFORE UPDATE ON verification_events
BEGIN SELECT RAISE(ABORT, 'verification_events is append only'); END;

-- Approvals that came after their challenge had ended: each opens one later challenge of the same user, scope and step approved.
CREATE TABLE kept_approvals (
    verification_id BLOB    NOT NULL PRIMARY KEY REFERENCES verifications (id),     -- the expired one that it was for
    user_id         TEXT    NOT NULL,
    scope           TEXT    NOT NULL,
    step_key        TEXT    NOT NULL,
    approved_at     INTEGER NOT NULL,
    valid_until     INTEGER NOT NULL,
    decided_as      TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    withdrawn_at    INTEGER,
    used_by         BLOB    UNIQUE REFERENCES verifications (id),                   -- the later one that it approved
    CHECK (approved_at < valid_until)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_approvals_by_user ON kept_approvals (user_id, scope, step_key, valid_until) WHERE used_by IS NULL;

-- Which approval a token came from; null for tokens from before there were verifications.
ALTER TABLE verification_tokens ADD COLUMN verification_id BLOB REFERENCES verifications (id);
CREATE INDEX verification_tokens_by_verification ON verification_tokens (verification_id) WHERE verification_id IS NOT NULL;

-- The first answer to a POST with an `Idempotency-Key`, for a day. Never a token: of one only its `jti`.
CREATE TABLE kept_answers (
    api_key_id      TEXT    NOT NULL REFERENCES api_keys (id),
    route           TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    body_sha256     BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    answered_at     INTEGER NOT NULL,
    status          INTEGER NOT NULL,
    answer          TEXT,
    jti             TEXT    REFERENCES verification_tokens (jti),
    PRIMARY KEY (api_key_id, route, idempotency_key),
    CHECK ((answer IS NULL) <> (jti IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answers_by_age ON kept_answers (answered_at);
