-- What Prelude told goes by age too, and leaves a mark.

ALTER TABLE retention_marks DROP CONSTRAINT retention_marks_what_check;
ALTER TABLE retention_marks ADD CONSTRAINT retention_marks_what_check
    CHECK (what IN ('decisions', 'personal_values', 'verifications', 'provider_events', 'redemptions', 'facts',
                    'accesses', 'desk_actions', 'policy_activations', 'signatures', 'prelude_events'));

CREATE FUNCTION doorstep_prelude_events_have_their_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM retention_marks WHERE what = 'prelude_events' AND before > old.received_at) THEN
        RAISE EXCEPTION 'prelude_events is append only until an event has had its time' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN old;
END
$$;
CREATE TRIGGER prelude_events_have_their_time BEFORE DELETE ON prelude_events
FOR EACH ROW EXECUTE FUNCTION doorstep_prelude_events_have_their_time();
