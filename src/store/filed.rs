//! By whom decisions are found besides their user: by what some policy asks about without naming the user.
//!
//! A row of `decision_subjects` for everything that a call is about would cost each call more than its own record, so there is
//! one for its user, and one for each subject of `filed_subjects`. Every batch reads that table in its own transaction, so from
//! the commit on that adds a subject, all decisions are filed by it, whichever policy the process that records them has. What was
//! recorded before is filed step by step ([`Store::file_by`]); until that is done, nothing is looked for by that subject: what is
//! found would be too little.
//!
//! Old decisions may be deleted at any time, while they are being filed too: a step files what it finds.

use std::collections::BTreeSet;

use super::connection::{Connection, Sql, either};
use super::turn::Turn;
use super::{Store, StoreError, postgres, sqlite, traits};
use crate::domain::{Subject, SubjectKey, Timestamp};

/// By how many subjects decisions are filed at most: each costs every call a row.
const SUBJECTS_MAX: i64 = 32;

/// How many decisions are filed in a step, between which calls are recorded.
const STEP_ROWS: i64 = 500;

/// The list that [`Filed::parse`] reads, as a subquery.
macro_rules! filed_list {
    ($concatenated:literal) => {
        concat!(
            "(SELECT ",
            $concatenated,
            "(CASE WHEN filed_through < through THEN '-' ELSE '+' END || subject, ' ') FROM filed_subjects)"
        )
    };
}
pub(super) use filed_list;

const LIST: Sql =
    either(concat!("SELECT ", filed_list!("group_concat")), concat!("SELECT ", filed_list!("string_agg")));

/// By whom decisions are filed besides their user, as a transaction sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filed(Vec<(Subject, Extent)>);

/// How much of the record is filed by a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// What is recorded now; not yet all of what was before.
    New,
}

impl Filed {
    /// Reads a list of words, each with `+` before it if everything is filed, else `-`.
    pub(super) fn parse(list: Option<&str>) -> Result<Self, StoreError> {
        let words = list.unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        let read = |item: &str| {
            let (extent, word) = match item.split_at_checked(1)? {
                ("+", word) => (Extent::Whole, word),
                ("-", word) => (Extent::New, word),
                _ => return None,
            };
            Some((traits::subject(word)?, extent))
        };
        let corrupt = |word: &str| StoreError::corrupt("filed_subjects", "subject", word.to_owned());
        words.map(|word| read(word).ok_or_else(|| corrupt(word))).collect::<Result<_, _>>().map(Self)
    }

    /// What a transaction sees.
    ///
    /// # Errors
    /// The record could not be read.
    pub(super) async fn read(connection: &mut Connection<'_>) -> Result<Self, StoreError> {
        let list: Option<String> = connection.query(LIST).value(connection).await?;
        Self::parse(list.as_deref())
    }

    /// The keys under which a decision is filed.
    pub(super) fn keys<'s>(
        &self,
        subjects: &'s [(Subject, SubjectKey)],
    ) -> impl Iterator<Item = &'s SubjectKey> {
        subjects.iter().filter(|(subject, _)| self.has(subject)).map(|(_, key)| key)
    }

    /// The same without the user's.
    pub(super) fn keys_of_others<'s>(
        &self,
        subjects: &'s [(Subject, SubjectKey)],
    ) -> impl Iterator<Item = &'s SubjectKey> {
        let others = subjects.iter().filter(|(subject, _)| *subject != Subject::User && self.has(subject));
        others.map(|(_, key)| key)
    }

    /// Whether all that was recorded can be found by a subject.
    pub(super) fn finds(&self, subject: &Subject) -> bool {
        *subject == Subject::User || self.0.contains(&(subject.clone(), Extent::Whole))
    }

    fn has(&self, subject: &Subject) -> bool {
        *subject == Subject::User || self.0.iter().any(|(own, _)| own == subject)
    }
}

/// A row of `decision_subjects`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) key: SubjectKey,
    pub(super) at: Timestamp,
    pub(super) seq: i64,
}

/// A part of the record that is to be filed by a subject: what comes after `from`, up to `through`.
struct Gap {
    word: String,
    from: i64,
    through: i64,
}

const ASK: &str = "
    INSERT INTO filed_subjects (subject, asked_at, through, filed_through)
    SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), (SELECT coalesce(max(seq), 0) FROM decisions), 0
     WHERE (SELECT count(*) FROM filed_subjects) < $3
    ON CONFLICT (subject) DO NOTHING";

impl Store {
    /// Has all decisions found by these subjects from now on, those included that were recorded before. Comes back when they are:
    /// with many, that takes minutes, in which calls are recorded as ever. Whoever stops waiting, or breaks off, may begin again:
    /// it goes on where it was.
    ///
    /// # Errors
    /// [`StoreError::TooManySubjects`], or the record could not be read or written. What was filed stays filed.
    pub(crate) async fn file_by(
        &self,
        subjects: &BTreeSet<Subject>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for subject in subjects {
            if Filed::read(&mut self.reader().await?.connection()).await?.finds(subject) {
                continue;
            }
            let word = traits::word(subject);
            self.ask_for(word.clone(), now).await?;
            while let Some(gap) = self.gap(&word).await? {
                self.file_step(subject, gap).await?;
            }
        }
        Ok(())
    }

    /// Has decisions filed by a subject from now on. Nobody records meanwhile, so none falls between what is filed as it is
    /// recorded and what is filed step by step.
    async fn ask_for(&self, word: String, now: Timestamp) -> Result<(), StoreError> {
        self.write(Turn::House, move |connection| {
            Box::pin(async move {
                connection
                    .query(ASK)
                    .bind(word.as_str())
                    .bind(now.unix_micros())
                    .bind(SUBJECTS_MAX)
                    .execute(connection)
                    .await?;
                let is_there = "SELECT count(*) FROM filed_subjects WHERE subject = $1";
                let is_there: i64 = connection.query(is_there).bind(word.as_str()).value(connection).await?;
                if is_there == 1 { Ok(()) } else { Err(StoreError::TooManySubjects) }
            })
        })
        .await
    }

    async fn gap(&self, word: &str) -> Result<Option<Gap>, StoreError> {
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection();
        let row = connection
            .query("SELECT filed_through, through FROM filed_subjects WHERE subject = $1 AND filed_through < through")
            .bind(word)
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (from, through) = (row.try_get("filed_through")?, row.try_get("through")?);
        Ok(Some(Gap { word: word.to_owned(), from, through }))
    }

    /// Files the next decisions of a gap. Others may do the same at the same time.
    async fn file_step(&self, subject: &Subject, gap: Gap) -> Result<(), StoreError> {
        let (rows, filed_through) = {
            let mut reader = self.reader().await?;
            step(&mut reader.connection(), subject, &gap).await?
        };
        self.write(Turn::Anyone, move |connection| {
            Box::pin(async move {
                file(connection, &rows).await?;
                let advance =
                    "UPDATE filed_subjects SET filed_through = $1 WHERE subject = $2 AND filed_through < $1";
                connection.query(advance).bind(filed_through).bind(gap.word).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Files rows, which are in order; one that is there stays.
///
/// # Errors
/// The transaction must be given up.
pub(super) async fn file(connection: &mut Connection<'_>, rows: &[About]) -> Result<(), StoreError> {
    match connection {
        Connection::Sqlite(connection) => sqlite::file_subjects(connection, rows).await,
        Connection::Postgres(connection, prepared, _) => {
            postgres::file_subjects(connection, *prepared, rows).await
        }
    }
}

/// The rows of the next decisions in a gap, in order, and how far they reach.
async fn step(
    connection: &mut Connection<'_>,
    subject: &Subject,
    gap: &Gap,
) -> Result<(Vec<About>, i64), StoreError> {
    let found = connection
        .query(
            "SELECT seq, received_at, traits FROM decisions WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        )
        .bind(gap.from)
        .bind(gap.through)
        .bind(STEP_ROWS)
        .fetch_all(connection)
        .await?;
    let mut rows = BTreeSet::new();
    let mut filed_through = gap.through;
    for row in &found {
        let seq: i64 = row.try_get("seq")?;
        let at = Timestamp::from_unix_micros(row.try_get("received_at")?);
        let kept = traits::parse(row.try_get("traits")?)
            .ok_or_else(|| StoreError::corrupt("decisions", "traits", seq.to_string()))?;
        let keys = kept.subjects.into_iter().filter(|(own, _)| own == subject);
        rows.extend(keys.map(|(_, key)| About { key, at, seq }));
        if i64::try_from(found.len()) == Ok(STEP_ROWS) {
            filed_through = seq;
        }
    }
    Ok((rows.into_iter().collect(), filed_through))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_by_whom_everything_is_found() {
        let payee = Subject::Metadata("payee".into());
        let filed = Filed::parse(Some("+metadata.payee -ip")).expect("a list");
        assert!(filed.finds(&Subject::User) && filed.finds(&payee));
        assert!(!filed.finds(&Subject::Ip) && !filed.finds(&Subject::Identifier));
        let key = |byte| SubjectKey::new([byte]);
        let subjects =
            [(Subject::User, key(1)), (Subject::Ip, key(2)), (Subject::Identifier, key(3)), (payee, key(4))];
        assert_eq!(filed.keys(&subjects).collect::<Vec<_>>(), [&key(1), &key(2), &key(4)]);
        assert_eq!(Filed::parse(None).expect("none"), Filed::default());
        for list in ["ip", "+", "+who", "é"] {
            assert!(Filed::parse(Some(list)).is_err(), "{list}");
        }
    }
}
