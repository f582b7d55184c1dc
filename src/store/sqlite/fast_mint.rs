//! Tokens that wait together are recorded in one statement: the plain case, which is nearly every case.
//!
//! A group is one transaction of one round trip to SQLite; of two where verifications are opened, approved and minted from in
//! one call. What is not plainly recorded goes back to its caller, who goes the usual way (`mints`) and hears there
//! what stands in the way: a challenge that has a verification, a condition that does not hold, a row that cannot be. So no
//! refusal is worded twice, and no row takes another with it.

use std::collections::HashSet;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Executor, Row};
use tokio::sync::oneshot;

use super::Database;
use super::batch::add;
use super::mint_statements::{MintStatements, OPEN_VALUES, TOKEN_VALUES};
use super::writer::Job;
use crate::domain::{Decided, DecisionId, MintRecord, SessionId, SourceName, StepOutcome};
use crate::store::watch::Watch;
use crate::store::{OpenWish, StoreError};

/// A token that waits for its record.
pub(super) struct Minting {
    mint: MintRecord,
    tokens_max: u32,
    /// The verification that is opened and approved with it; none where that was done before.
    opened: Option<Box<(OpenWish, Decided)>>,
    /// Hears whether it is recorded, once that is on disk.
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

impl Database {
    /// Records a token, with all others that wait, if everything is plain.
    ///
    /// - `opened`: the verification that is opened and approved with it. One that may be approved by an approval that was
    ///   kept is never plain.
    /// - returns: whether it is recorded. Where it is not, the verification may be opened and approved all the same.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`] or [`StoreError::Unavailable`]: the token must not leave.
    pub(in crate::store) async fn record_plainly(
        &self,
        (mint, tokens_max): (&MintRecord, u32),
        opened: Option<(&OpenWish, &Decided)>,
    ) -> Result<bool, StoreError> {
        let is_plain = |(wish, decided): &(&OpenWish, &Decided)| {
            wish.approvals_since.is_none() && decided.outcome == StepOutcome::Approved
        };
        if !opened.as_ref().is_none_or(is_plain) {
            return Ok(false);
        }
        let opened = opened.map(|(wish, decided)| Box::new((wish.clone(), decided.clone())));
        let (reply, recorded) = oneshot::channel();
        self.enqueue(Job::Mint(Box::new(Minting { mint: mint.clone(), tokens_max, opened, reply })))?;
        self.in_time(recorded).await
    }
}

/// Records tokens in one transaction, those that can be, and tells their callers.
///
/// - `waiting`: at most as many as there are statements for.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    statements: &MintStatements,
    waiting: Vec<Minting>,
    watch: &Watch,
) {
    // The limit of a verification's tokens is looked at before any of the statement's rows is there: one each.
    let mut verifications = HashSet::with_capacity(waiting.len());
    let (together, others): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|minting| verifications.insert(minting.mint.verification_id));
    for minting in others {
        minting.tell(Ok(false));
    }
    if together.is_empty() {
        return;
    }
    let recorded = record_in_transaction(connection, statements, &together).await;
    if recorded.is_err() {
        // Where SQLite has rolled back by itself, there is nothing left to roll back and this fails: as good.
        drop(connection.execute("ROLLBACK").await);
    }
    if let Err(fault) = &recorded {
        watch.failed(fault);
    }
    match recorded {
        Ok(recorded) => {
            watch.committed();
            for minting in together {
                let is_recorded = recorded.contains(&minting.mint.jti.to_string());
                minting.tell(Ok(is_recorded));
            }
        }
        // Each is tried alone, so that the others do not suffer.
        Err(fault) if fault.is_one_rows_own() => {
            together.into_iter().for_each(|minting| minting.tell(Ok(false)));
        }
        Err(fault) => together.into_iter().for_each(|minting| minting.tell(Err(fault.clone()))),
    }
}

impl Minting {
    /// A caller that gave up does not hear; what was recorded stays.
    fn tell(self, recorded: Result<bool, StoreError>) {
        drop(self.reply.send(recorded));
    }
}

/// - returns: the names of the tokens that are recorded.
async fn record_in_transaction(
    connection: &mut SqliteConnection,
    statements: &MintStatements,
    together: &[Minting],
) -> Result<HashSet<String>, StoreError> {
    let opened: Vec<_> = together.iter().filter_map(|minting| minting.opened.as_deref()).collect();
    let statement = if opened.is_empty() {
        statements.begin_and_record(together.len())
    } else {
        open(connection, statements, &opened).await?;
        statements.record(together.len())
    };
    let statement = statement.ok_or(StoreError::Busy)?;
    let mut values = SqliteArguments::default();
    values.reserve((together.len() + statement.left) * TOKEN_VALUES, 0);
    for minting in together {
        add_token(&mut values, minting)?;
    }
    statement.fill_up(&mut values, TOKEN_VALUES)?;
    // All rows are fetched: whoever stops at the first leaves the commit undone.
    let rows = sqlx::query_with(statement.text, values).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("jti")?)).collect()
}

/// Begins the transaction and opens verifications that are approved at once.
async fn open(
    connection: &mut SqliteConnection,
    statements: &MintStatements,
    opened: &[&(OpenWish, Decided)],
) -> Result<(), StoreError> {
    let statement = statements.begin_and_open(opened.len()).ok_or(StoreError::Busy)?;
    let mut values = SqliteArguments::default();
    let rows = opened.len() + statement.left;
    values.reserve(rows * (OPEN_VALUES + MintStatements::EVENTS_EACH), 0);
    for (wish, decided) in opened {
        add_opening(&mut values, (wish, decided))?;
    }
    statement.fill_up(&mut values, OPEN_VALUES)?;
    for _ in 0..MintStatements::EVENTS_EACH {
        for (wish, _) in opened {
            add(&mut values, wish.opening.id.uuid())?;
        }
        statement.fill_up(&mut values, 1)?;
    }
    sqlx::query_with(statement.text, values).execute(connection).await?;
    Ok(())
}

/// The values of one verification, in the order of the insert's columns.
fn add_opening(
    values: &mut SqliteArguments,
    (wish, decided): (&OpenWish, &Decided),
) -> Result<(), StoreError> {
    let opening = &wish.opening;
    add(values, opening.id.uuid())?;
    add(values, opening.reference.to_string())?;
    add(values, opening.source.as_ref().map(SourceName::as_str))?;
    add(values, opening.challenge_id.as_str())?;
    add(values, opening.step_key.as_str())?;
    add(values, opening.user_id.as_str())?;
    add(values, opening.session_id.as_ref().map(SessionId::as_str))?;
    add(values, opening.scope.as_str())?;
    add(values, opening.metadata_json.as_deref())?;
    add(values, opening.decision_id.map(DecisionId::uuid))?;
    add(values, opening.proof.as_str())?;
    add(values, opening.opened_by.as_str())?;
    add(values, opening.opened_at.unix_micros())?;
    add(values, opening.expires_at.unix_micros())?;
    add(values, decided.outcome.state().as_str())?;
    add(values, decided.at.unix_micros())?;
    add(values, decided.decided_as.to_string())?;
    add(values, decided.actor.as_str())?;
    add(values, decided.reason.as_str())?;
    add(values, wish.reviews_through)
}

/// The values of one token, in the order of the statement's columns.
fn add_token(values: &mut SqliteArguments, minting: &Minting) -> Result<(), StoreError> {
    let mint = &minting.mint;
    add(values, mint.jti.to_string())?;
    add(values, mint.kid.as_str())?;
    add(values, mint.api_key_id.as_str())?;
    add(values, mint.issued_at.unix_micros())?;
    add(values, mint.not_before.unix_micros())?;
    add(values, mint.expires_at.unix_micros())?;
    add(values, mint.verification_id.uuid())?;
    add(values, minting.tokens_max)
}
