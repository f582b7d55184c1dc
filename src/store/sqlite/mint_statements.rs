//! The statements that record tokens together, for some numbers of tokens, as a batch's are.

use super::statements::{ByRows, Fitting, list};

/// Opens verifications that are approved at once. A challenge and step that have one keep it, and where
/// a review was recorded after those that were known, it has to be looked for. The events are only those of what
/// was opened here: nobody else can know the id.
const OPEN: &str = "
    BEGIN IMMEDIATE;
    INSERT INTO verifications (id, reference, source, challenge_id, step_key, user_id, session_id, scope, metadata,
           decision_id, proof, opened_by, opened_at, expires_at, state, decided_at, decided_as, actor, reason, version)
    SELECT w.column1, w.column2, w.column3, w.column4, w.column5, w.column6, w.column7, w.column8, w.column9, w.column10,
           w.column11, w.column12, w.column13, w.column14, w.column15, w.column16, w.column17, w.column18, w.column19, 2
      FROM (VALUES {rows}) AS w
     WHERE w.column1 IS NOT NULL
       AND (w.column20 IS NULL
            OR NOT EXISTS (SELECT 1 FROM decisions WHERE seq > w.column20 AND user_id = w.column6 AND scope = w.column8
                                                     AND walkable_until IS NOT NULL))
    ON CONFLICT DO NOTHING;
    INSERT INTO verification_events (verification_id, version, at, kind, actor, detail)
    SELECT id, 1, opened_at, 'opened', 'api:' || opened_by, NULL FROM verifications WHERE id IN ({ids})
    UNION ALL
    SELECT id, 2, decided_at, state, actor, 'as ' || decided_as || ': ' || reason
      FROM verifications WHERE id IN ({ids}) AND state = 'approved'
    ON CONFLICT DO NOTHING";

/// Records the tokens of which the same holds as of one that is recorded alone (`mints`), and commits.
const RECORD: &str = "
    INSERT INTO verification_tokens (jti, kid, api_key_id, user_id, session_id, challenge_id, step_key, scope, decision_id,
           proof, issued_at, not_before, expires_at, verification_id)
    SELECT m.column1, m.column2, m.column3, v.user_id, v.session_id, v.challenge_id, v.step_key, v.scope, v.decision_id,
           v.proof, m.column4, m.column5, m.column6, v.id
      FROM (VALUES {rows}) AS m CROSS JOIN verifications AS v ON v.id = m.column7
     WHERE v.state = 'approved' AND v.withdrawn_at IS NULL AND v.expires_at >= m.column6 AND v.expires_at > m.column4
       AND (SELECT count(*) FROM verification_tokens WHERE verification_id = v.id) < m.column8
       AND NOT EXISTS (SELECT 1 FROM desk_pauses WHERE scope = v.scope AND (until IS NULL OR until > m.column4))
       AND EXISTS (SELECT 1 FROM signing_keys WHERE kid = m.column2 AND revoked_at IS NULL)
       AND EXISTS (SELECT 1 FROM api_keys WHERE id = m.column3 AND revoked_at IS NULL)
    RETURNING jti;
    COMMIT";

/// How many values a verification has when it is opened approved, without the ids of its events.
pub(super) const OPEN_VALUES: usize = 20;

/// How many values a token has.
pub(super) const TOKEN_VALUES: usize = 8;

/// The statements, by number of rows.
#[derive(Debug)]
pub(super) struct MintStatements {
    begin_and_open: ByRows,
    begin_and_record: ByRows,
    record: ByRows,
}

impl MintStatements {
    /// One that opens, and two that record, for a number of rows.
    pub(super) const PER_ROW_COUNT: usize = 3;

    /// How often the ids of what is opened stand after the rows: once an event.
    pub(super) const EVENTS_EACH: usize = 2;

    /// The statements for 1 to `rows_max` rows.
    pub(super) fn up_to(rows_max: usize) -> Self {
        Self {
            begin_and_open: ByRows::up_to(rows_max, begin_and_open),
            begin_and_record: ByRows::up_to(rows_max, begin_and_record),
            record: ByRows::up_to(rows_max, record),
        }
    }

    /// Begins and opens `rows` verifications; `None` for a number that no group has, here and below.
    pub(super) fn begin_and_open(&self, rows: usize) -> Option<Fitting> {
        self.begin_and_open.fitting(rows)
    }

    /// Begins, records `rows` tokens and commits.
    pub(super) fn begin_and_record(&self, rows: usize) -> Option<Fitting> {
        self.begin_and_record.fitting(rows)
    }

    /// Records `rows` tokens and commits what was begun.
    pub(super) fn record(&self, rows: usize) -> Option<Fitting> {
        self.record.fitting(rows)
    }
}

fn begin_and_open(rows: usize) -> String {
    let opening = format!("({})", list("?", OPEN_VALUES));
    OPEN.replace("{rows}", &list(&opening, rows)).replace("{ids}", &list("?", rows))
}

fn begin_and_record(rows: usize) -> String {
    format!("BEGIN IMMEDIATE;{}", record(rows))
}

fn record(rows: usize) -> String {
    let token = format!("({})", list("?", TOKEN_VALUES));
    RECORD.replace("{rows}", &list(&token, rows))
}
