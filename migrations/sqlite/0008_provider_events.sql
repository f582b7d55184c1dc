-- What identity-check providers said by webhook: each event once, with what became of it. Never a body, never a personal value:
-- the SHA-256 tells whether two calls said the same.
CREATE TABLE provider_events (
    seq             INTEGER NOT NULL PRIMARY KEY,   -- the order of commit
    source          TEXT    NOT NULL,               -- the provider, by the name that it is configured under
    event_id        TEXT    NOT NULL,               -- the provider's own id, or `sha256:` and that of the body
    body_sha256     BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    received_at     INTEGER NOT NULL,
    happened_at     INTEGER,                        -- by the provider's clock; null where it does not say
    outcome         TEXT    NOT NULL CHECK (outcome IN ('approved', 'rejected', 'pending', 'expired', 'reset')),
    verification_id BLOB    REFERENCES verifications (id),      -- null where no verification has the reference
    became          TEXT    NOT NULL CHECK (became IN ('applied', 'taken_back', 'kept', 'pending', 'unknown_word', 'mismatch', 'wrong_source',
                                                       'not_allowed', 'unknown_reference', 'late', 'already_decided',
                                                       'too_late')),
    UNIQUE (source, event_id)
) STRICT;

CREATE INDEX provider_events_by_verification ON provider_events (verification_id, source) WHERE verification_id IS NOT NULL;

CREATE TRIGGER provider_events_are_not_changed BEFORE UPDATE ON provider_events
BEGIN SELECT RAISE(ABORT, 'provider_events is append only'); END;
