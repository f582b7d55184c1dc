//! Taking turns by advisory locks, which end with the transaction that took them.
//!
//! Everybody who writes about users shares the house, and has it to themselves who writes about the house. Signatures, requests,
//! events and users come after it; a request's or an event's own turn comes before its user's, and whoever takes several at once, as
//! a batch does, takes them in the order of their numbers. So nobody waits for somebody who waits for them. The numbers are
//! digests: two names that share one only wait for each other.

use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, query};

use std::collections::BTreeSet;

use crate::domain::{SignatureHash, SubjectKey, UserId, WithdrawnOf};
use crate::store::StoreError;
use crate::store::connection::Prepared;
use crate::store::turn::Turn;

/// The house's number is `hashtextextended('doorstep', 0)`, a user's has the seed 1, a name's 2.
const SHARE_HOUSE: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended('doorstep', 0))";
const TAKE_HOUSE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('doorstep', 0))";
const TAKE_NAME: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 2))";
const TAKE_USER: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))";
const TAKE_USER_OF_VERIFICATION: &str = "
    SELECT pg_advisory_xact_lock(hashtextextended(user_id, 1)) FROM verifications WHERE id = $1";
const TAKE_USER_OF_REFERENCE: &str = "
    SELECT pg_advisory_xact_lock(hashtextextended(user_id, 1)) FROM verifications WHERE reference = $1";
/// A subquery with an order is not mixed with what is around it: the locks are taken in that order.
const TAKE_USERS_OF_SESSION: &str = "
    SELECT pg_advisory_xact_lock(number)
      FROM (SELECT DISTINCT hashtextextended(user_id, 1) AS number FROM verifications WHERE session_id = $1
             ORDER BY number) AS users";
const TAKE_ALL: &str = "
    SELECT pg_advisory_xact_lock(number)
      FROM (SELECT number FROM unnest($1) AS number
            UNION
            SELECT hashtextextended(name, 1) FROM unnest($2) AS name
             ORDER BY number) AS everybody";

/// Waits until it is a write's turn.
///
/// # Errors
/// It took too long, or the database is gone. The transaction must be given up.
pub(super) async fn take(
    connection: &mut PgConnection,
    prepared: Prepared,
    turn: &Turn,
) -> Result<(), StoreError> {
    match turn {
        Turn::Anyone => return Ok(()),
        Turn::Task(name) => return take_by(connection, prepared, (TAKE_NAME, name)).await,
        Turn::House => {
            connection.execute(query(TAKE_HOUSE).persistent(prepared == Prepared::Kept)).await?;
            return Ok(());
        }
        _ => connection.execute(query(SHARE_HOUSE).persistent(prepared == Prepared::Kept)).await?,
    };
    let mut turn = turn;
    while let Turn::Request { name, then } = turn {
        take_by(connection, prepared, (TAKE_NAME, name)).await?;
        turn = then;
    }
    match turn {
        Turn::Anyone | Turn::Task(_) | Turn::House | Turn::Request { .. } => Ok(()),
        Turn::User(user) => take_by(connection, prepared, (TAKE_USER, user.as_str())).await,
        Turn::UserAnd(user, others) => {
            let numbers: Vec<i64> = others.iter().map(|key| number(key.as_bytes())).collect();
            let take = query(TAKE_ALL).bind(numbers).bind(vec![user.as_str()]);
            connection.execute(take.persistent(prepared == Prepared::Kept)).await?;
            Ok(())
        }
        Turn::Verification(id) => {
            let take = query(TAKE_USER_OF_VERIFICATION).bind(id.uuid());
            connection.execute(take.persistent(prepared == Prepared::Kept)).await?;
            Ok(())
        }
        Turn::Withdrawn(WithdrawnOf::One(id)) => {
            let take = query(TAKE_USER_OF_VERIFICATION).bind(id.uuid());
            connection.execute(take.persistent(prepared == Prepared::Kept)).await?;
            Ok(())
        }
        Turn::Withdrawn(WithdrawnOf::Session(session)) => {
            take_by(connection, prepared, (TAKE_USERS_OF_SESSION, session.as_str())).await
        }
        Turn::Withdrawn(WithdrawnOf::User(user)) => {
            take_by(connection, prepared, (TAKE_USER, user.as_str())).await
        }
        Turn::Event { source, event_id, reference } => {
            take_by(connection, prepared, (TAKE_NAME, &format!("{source} {event_id}"))).await?;
            match reference {
                Some(reference) => {
                    take_by(connection, prepared, (TAKE_USER_OF_REFERENCE, &reference.to_string())).await
                }
                None => Ok(()),
            }
        }
    }
}

async fn take_by(
    connection: &mut PgConnection,
    prepared: Prepared,
    (take, name): (&'static str, &str),
) -> Result<(), StoreError> {
    connection.execute(query(take).bind(name).persistent(prepared == Prepared::Kept)).await?;
    Ok(())
}

/// Whom a batch concerns.
#[derive(Debug)]
pub(super) struct Whom<'b> {
    /// Its signatures.
    pub(super) signatures: Vec<SignatureHash>,
    /// The users whose past it asks about.
    pub(super) users: BTreeSet<&'b UserId>,
    /// The other subjects whose past it asks about.
    pub(super) subjects: BTreeSet<&'b SubjectKey>,
}

/// Waits until it is a batch's turn.
///
/// # Errors
/// As [`take`].
pub(super) async fn take_all(
    connection: &mut PgConnection,
    prepared: Prepared,
    whom: Whom<'_>,
) -> Result<(), StoreError> {
    connection.execute(query(SHARE_HOUSE).persistent(prepared == Prepared::Kept)).await?;
    let signatures = whom.signatures.iter().map(|hash| number(&hash.0));
    let subjects = whom.subjects.iter().map(|key| number(key.as_bytes()));
    let numbers: Vec<i64> = signatures.chain(subjects).collect();
    let users: Vec<&str> = whom.users.into_iter().map(UserId::as_str).collect();
    let take = query(TAKE_ALL).bind(numbers).bind(users);
    connection.execute(take.persistent(prepared == Prepared::Kept)).await?;
    Ok(())
}

/// A hash or a digest is random already: its first bytes are as good a number as any.
fn number(digest: &[u8]) -> i64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}
