//! Tables whose rows go by their age alone.

use super::{Found, ROWS, Retiring, Stretch, TURN, by_places, delete, is_held, mark};
use crate::store::connection::{Sql, either};
use crate::store::{Store, StoreError};

/// A table, or a part of one, that is walked by its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Personal values of decisions.
    PersonalValues,
    /// Providers' events that speak of no verification.
    ProviderEvents,
    /// Facts, by when they were reported: none happened later.
    Facts,
    /// What Prelude told, by when it came.
    PreludeEvents,
    /// Who looked at what.
    Accesses,
    /// What the fraud desk did; what still holds stays, and the last action.
    DeskActions,
    /// Which policy was in force when; the last activation stays.
    Activations,
}

/// A stretch after a place: `$1` that place, `$2` how many rows, `$3` before when they are old, `$4` now.
macro_rules! stretch {
    ($from:literal, $is_old:literal, $and_not:expr) => {
        concat!(
            "SELECT place, is_old, is_old AND NOT (",
            $and_not,
            ") AS is_doomed FROM (SELECT *, ",
            $is_old,
            " AS is_old FROM (",
            $from,
            ") AS x) AS y ORDER BY place"
        )
    };
}

const PERSONAL_VALUES: Sql = both(stretch!(
    "SELECT p.decision_seq AS place, d.received_at, d.user_id
       FROM (SELECT decision_seq FROM decision_personal WHERE decision_seq > $1 ORDER BY decision_seq LIMIT $2) AS p
       JOIN decisions AS d ON d.seq = p.decision_seq",
    "received_at < $3",
    is_held!("y.user_id")
));

const PROVIDER_EVENTS: Sql = both(
    "SELECT seq AS place, TRUE AS is_old, TRUE AS is_doomed
       FROM provider_events
      WHERE verification_id IS NULL AND received_at < $3 AND $1 = $1 AND $4 = $4
      ORDER BY received_at LIMIT $2",
);

const FACTS: Sql = both(stretch!(
    "SELECT seq AS place, recorded_at, user_id FROM facts WHERE seq > $1 ORDER BY seq LIMIT $2",
    "recorded_at < $3",
    is_held!("y.user_id")
));

const PRELUDE_EVENTS: Sql = both(stretch!(
    "SELECT seq AS place, received_at FROM prelude_events WHERE seq > $1 ORDER BY seq LIMIT $2",
    "received_at < $3",
    "$4 <> $4"
));

const ACCESSES: Sql = both(stretch!(
    "SELECT seq AS place, at FROM accesses WHERE seq > $1 ORDER BY seq LIMIT $2",
    "at < $3",
    "$4 <> $4"
));

const DESK_ACTIONS: Sql = both(stretch!(
    "SELECT revision AS place, acted_at, subject, value FROM desk_actions WHERE revision > $1 ORDER BY revision LIMIT $2",
    "acted_at < $3",
    "y.place = (SELECT max(revision) FROM desk_actions) OR $4 <> $4
     OR EXISTS (SELECT 1 FROM desk_entries AS e WHERE e.list = y.subject AND e.value = y.value AND e.acted_at = y.acted_at)
     OR EXISTS (SELECT 1 FROM desk_pauses AS p WHERE p.scope = y.subject AND y.value IS NULL AND p.acted_at = y.acted_at)"
));

const ACTIVATIONS: Sql = both(stretch!(
    "SELECT seq AS place, at FROM policy_activations WHERE seq > $1 ORDER BY seq LIMIT $2",
    "at < $3",
    "y.place = (SELECT max(seq) FROM policy_activations) OR $4 <> $4"
));

const fn both(sql: &'static str) -> Sql {
    either(sql, sql)
}

impl Plain {
    /// Its name in marks.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PersonalValues => "personal_values",
            Self::ProviderEvents => "provider_events",
            Self::Facts => "facts",
            Self::PreludeEvents => "prelude_events",
            Self::Accesses => "accesses",
            Self::DeskActions => "desk_actions",
            Self::Activations => "policy_activations",
        }
    }

    const fn stretch(self) -> Sql {
        match self {
            Self::PersonalValues => PERSONAL_VALUES,
            Self::ProviderEvents => PROVIDER_EVENTS,
            Self::Facts => FACTS,
            Self::PreludeEvents => PRELUDE_EVENTS,
            Self::Accesses => ACCESSES,
            Self::DeskActions => DESK_ACTIONS,
            Self::Activations => ACTIVATIONS,
        }
    }

    const fn deletion(self) -> Sql {
        match self {
            Self::PersonalValues => by_places!("DELETE FROM decision_personal WHERE decision_seq IN "),
            Self::ProviderEvents => by_places!("DELETE FROM provider_events WHERE seq IN "),
            Self::Facts => by_places!("DELETE FROM facts WHERE seq IN "),
            Self::PreludeEvents => by_places!("DELETE FROM prelude_events WHERE seq IN "),
            Self::Accesses => by_places!("DELETE FROM accesses WHERE seq IN "),
            Self::DeskActions => by_places!("DELETE FROM desk_actions WHERE revision IN "),
            Self::Activations => by_places!("DELETE FROM policy_activations WHERE seq IN "),
        }
    }
}

impl Store {
    /// Deletes what is old of a stretch.
    ///
    /// - `after`: the place where the stretch before ended.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub(crate) async fn retire(
        &self,
        plain: Plain,
        retiring: Retiring,
        after: i64,
    ) -> Result<Stretch, StoreError> {
        self.write(TURN, move |connection| {
            Box::pin(async move {
                let rows = connection
                    .query(plain.stretch())
                    .bind(after)
                    .bind(ROWS)
                    .bind(retiring.before.unix_micros())
                    .bind(retiring.now.unix_micros())
                    .fetch_all(connection)
                    .await?;
                let found = Found::of(&rows)?;
                if found.doomed.is_empty() {
                    return Ok(found.stretch(after, 0));
                }
                mark(connection, plain.name(), &retiring).await?;
                let deleted = delete(connection, &[plain.deletion()], &found.doomed).await?;
                Ok(found.stretch(after, deleted))
            })
        })
        .await
    }
}
