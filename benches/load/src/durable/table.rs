//! The figures of all rounds as a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::drive::Tally;
use crate::report::{kernel, median, processor, spread};
use crate::server::Cores;

/// Where verdicts are recorded, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Store {
    /// The floor, which knows no past, in its SQLite file.
    Floor,
    /// Doorstep, in a SQLite file.
    Sqlite,
    /// Doorstep, in PostgreSQL.
    Postgres,
}

impl Store {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Floor => "floor, without a past",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    /// Where.
    pub(super) store: Store,
    /// How many servers.
    pub(super) servers: usize,
    /// How many connections to all of them.
    pub(super) connections: usize,
}

/// What was measured of it in one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    cpu_us: f64,
    database_us: f64,
    calls_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Sample {
    /// - `busy`: the processor time of the servers, and of PostgreSQL.
    pub(super) fn of(tally: &Tally, busy: (Duration, Duration)) -> Self {
        let answers = f64::from(u32::try_from(tally.verdicts.all()).unwrap_or(u32::MAX).max(1));
        let per_call_us = |busy: Duration| busy.as_secs_f64() * 1e6 / answers;
        let ms = |hundredths| tally.percentile(hundredths).as_secs_f64() * 1e3;
        Self {
            cpu_us: per_call_us(busy.0),
            database_us: per_call_us(busy.1),
            calls_per_second: tally.rate(),
            p50_ms: ms(50),
            p99_ms: ms(99),
        }
    }
}

/// All samples, in the order in which they were taken.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<(Cell, Sample)>);

impl Samples {
    pub(super) fn push(&mut self, cell: Cell, sample: Sample) {
        self.0.push((cell, sample));
    }

    fn of(&self, cell: Cell) -> impl Iterator<Item = &Sample> {
        self.0.iter().filter(move |(own, _)| *own == cell).map(|(_, sample)| sample)
    }

    fn figures(&self, cell: Cell, figure: fn(&Sample) -> f64) -> Vec<f64> {
        self.of(cell).map(figure).collect()
    }

    /// Each round's cost over that of the floor with as many connections.
    fn ratios(&self, cell: Cell) -> Vec<f64> {
        let floor = Cell { store: Store::Floor, servers: 1, ..cell };
        self.of(cell).zip(self.of(floor)).map(|(own, floor)| own.cpu_us / floor.cpu_us).collect()
    }

    /// What is gated: one server on SQLite, 32 connections.
    pub(super) fn ratio(&self) -> Option<f64> {
        median(self.ratios(Cell { store: Store::Sqlite, servers: 1, connections: 32 }))
    }

    fn cells(&self) -> Vec<Cell> {
        let cells: BTreeSet<Cell> = self.0.iter().map(|(cell, _)| *cell).collect();
        cells.into_iter().collect()
    }
}

/// Under what conditions was measured.
pub(super) struct Setting<'a> {
    /// What was measured: a commit.
    pub(super) about: &'a str,
    /// Whether servers and driver had a core each.
    pub(super) cores: Cores,
    /// The kind of disk under the stores.
    pub(super) disk: String,
    /// Calls a cell and round.
    pub(super) calls: usize,
    /// Calls a user.
    pub(super) calls_a_user: usize,
    /// The load average.
    pub(super) load: String,
}

/// One sample on one line.
pub(super) fn row(cell: Cell, sample: &Sample) -> String {
    format!(
        "{:<8} {} servers, {:>3} connections: {:6.1} µs CPU a call, {:6.1} in PostgreSQL, {:6.0} calls/s, p50 {:6.2} ms, p99 {:6.2} ms",
        cell.store.name(),
        cell.servers,
        cell.connections,
        sample.cpu_us,
        sample.database_us,
        sample.calls_per_second,
        sample.p50_ms,
        sample.p99_ms,
    )
}

/// The whole section, Markdown.
pub(super) fn render(samples: &Samples, setting: &Setting<'_>) -> String {
    let mut text = String::from("# What a durable hook call costs that asks about the past\n\n");
    let apart = match setting.cores {
        Cores::Apart => "servers on core 0, driver on core 1, PostgreSQL on both",
        Cores::Shared => "everything on the same cores",
    };
    // INVARIANT: writing into a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "Measured: {}. Made by `benches/durable.sh`.\n\n{}, {}; {apart}; stores on {}; load average {}.\n\
         {} distinct signed calls a row and round (a fifth over one connection), {} of each user, decided by ten rules and two \
         questions\nabout the user's past (`benches/limit-policies`); every round on new stores. Figures are medians of the rounds, in brackets \
         the lowest\nand the highest. CPU is that of all servers together.\n",
        setting.about,
        processor(),
        kernel(),
        setting.disk,
        setting.load,
        setting.calls,
        setting.calls_a_user,
    );
    text.push_str("| store | servers | connections | µs CPU a call | times the floor | µs CPU of PostgreSQL | calls/s | p50 ms | p99 ms |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for cell in samples.cells() {
        let middle = |figure: fn(&Sample) -> f64, digits: usize| {
            median(samples.figures(cell, figure))
                .map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let database = match cell.store {
            Store::Postgres => middle(|sample| sample.database_us, 1),
            Store::Floor | Store::Sqlite => "–".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {database} | {} | {} | {} |",
            cell.store.words(),
            cell.servers,
            cell.connections,
            spread(samples.figures(cell, |sample| sample.cpu_us), 1),
            spread(samples.ratios(cell), 2),
            middle(|sample| sample.calls_per_second, 0),
            middle(|sample| sample.p50_ms, 2),
            middle(|sample| sample.p99_ms, 2),
        );
    }
    if let Some(ratio) = samples.ratio() {
        let _ = writeln!(
            text,
            "\n**On SQLite, one server at 32 connections, a call costs {ratio:.2} times the floor**, which records without asking about any past."
        );
    }
    text
}
