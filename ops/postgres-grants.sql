-- Who may do what in Doorstep's database. Run it as a superuser, connected to that database, after `doorstep migrate`, and again
-- after every later one; it may be run as often as you like:
--
--     psql --single-transaction --set ON_ERROR_STOP=1 --file ops/postgres-grants.sql DATABASE
--
-- It makes three roles that nobody logs in with, and gives every table to them. Then let your logins be members:
--
--     CREATE ROLE doorstep LOGIN PASSWORD '…' IN ROLE doorstep_app;           -- `store.url` of servers, with store.migrate = "never"
--     CREATE ROLE doorstep_migrator LOGIN PASSWORD '…' IN ROLE doorstep_owner; -- for `doorstep migrate`
--     CREATE ROLE doorstep_janitor LOGIN PASSWORD '…' IN ROLE doorstep_care;   -- `store.care_url`: retain, erase-user, holds
--
-- doorstep_owner  owns the tables and changes their shape. Not for servers: whoever owns a table can switch its triggers off.
-- doorstep_app    answers calls: reads everything, adds everywhere, and changes what has a life. It cannot change or delete a
--                 decision, nor anything else that is append only.
-- doorstep_care   deletes what has had its time, and erases users.

DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['doorstep_owner', 'doorstep_app', 'doorstep_care'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;   -- it is there, or somebody makes it at this very moment
        END;
    END LOOP;
END
$$;

-- Tables are the owner's, whoever made them, and nobody else has more than what is said below.
DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO doorstep_owner', found.name);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, doorstep_app, doorstep_care', found.name);
        EXECUTE format('GRANT SELECT ON public.%I TO doorstep_app, doorstep_care', found.name);
    END LOOP;
END
$$;
ALTER FUNCTION doorstep_refuse() OWNER TO doorstep_owner;
ALTER FUNCTION doorstep_leave_an_anchor() OWNER TO doorstep_owner;
ALTER FUNCTION doorstep_stay_spent() OWNER TO doorstep_owner;
ALTER FUNCTION doorstep_facts_have_their_time() OWNER TO doorstep_owner;
ALTER FUNCTION doorstep_desk_actions_have_their_time() OWNER TO doorstep_owner;
ALTER FUNCTION doorstep_prelude_events_have_their_time() OWNER TO doorstep_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO doorstep_owner;
GRANT USAGE ON SCHEMA public TO doorstep_app, doorstep_care;

-- What servers add. Not here: chain_anchors, erasures, retention_marks and user_holds, which only care leaves.
GRANT INSERT ON
    accesses, api_keys, bundles, decision_personal, decision_subjects, decisions, desk_actions, desk_entries, desk_pauses,
    erasure_queue, facts, filed_subjects, kept_answers, kept_approvals, key_actions, key_sets, past_segments, policy_activations,
    prelude_events, prelude_keys, provider_events, redemptions, secrets, signatures, signing_keys, verification_events,
    verification_tokens, verifications
TO doorstep_app;

-- What has a life, and of it only what changes.
GRANT UPDATE (state, decided_at, decided_as, actor, reason, version, withdrawn_at, withdrawn_for) ON verifications TO doorstep_app;
GRANT UPDATE (used_by, withdrawn_at) ON kept_approvals TO doorstep_app;
GRANT UPDATE (revoked_at) ON api_keys TO doorstep_app;
GRANT UPDATE (filed_through) ON filed_subjects TO doorstep_app;
GRANT UPDATE (sealed_private_key, publish_at, activate_at, retire_at, revoked_at) ON signing_keys TO doorstep_app;
GRANT UPDATE (sealed) ON secrets TO doorstep_app;
GRANT UPDATE (body, confirmed_at) ON key_sets TO doorstep_app;
GRANT UPDATE (thumbprint, last_seen_at, gone_since) ON prelude_keys TO doorstep_app;
GRANT UPDATE (body_sha256, answered_at, status, answer, jti) ON kept_answers TO doorstep_app;
GRANT UPDATE (effect, until, actor, reason, acted_at) ON desk_entries TO doorstep_app;
GRANT UPDATE (until, actor, reason, acted_at) ON desk_pauses TO doorstep_app;
GRANT UPDATE (wished_at, actor) ON erasure_queue TO doorstep_app;

-- What is kept for a time only, was taken back, or moves into a segment: `decision_subjects` and `past_segments` are for finding, and
-- no part of what is proved.
GRANT DELETE ON decision_subjects, desk_entries, desk_pauses, kept_answers, past_segments TO doorstep_app;

-- Erasing, and deleting what has had its time: what is deleted of a chain leaves an anchor.
GRANT DELETE ON
    accesses, decision_personal, decision_subjects, decisions, desk_actions, erasure_queue, facts, kept_answers, kept_approvals, past_segments,
    policy_activations, prelude_events, provider_events, redemptions, signatures, verification_events, verification_tokens, verifications
TO doorstep_care;
GRANT UPDATE (metadata) ON verifications TO doorstep_care;
GRANT UPDATE (retired_at, cleaned_at) ON prelude_keys TO doorstep_care;
GRANT UPDATE (begun_at) ON retention_turn TO doorstep_care;
GRANT UPDATE (released_at, released_by, release_reason) ON user_holds TO doorstep_care;
GRANT INSERT ON accesses, chain_anchors, decision_subjects, erasures, retention_marks, user_holds TO doorstep_care;
