//! The figures of each round, and what follows from all of them.

use std::time::Duration;

use crate::drive::{Tally, Verdicts};
use crate::fault::{Fault, Outcome};
use crate::floor::Mode;
use crate::meter::Resident;
use crate::report::median;

/// Doorstep's name among the subjects.
pub(super) const DOORSTEP: &str = "doorstep";
/// Its name with rules that ask about the past besides.
pub(super) const LIMITS: &str = "doorstep-limits";
/// Doorstep exporting traces, by how many of a hundred calls are collected.
pub(super) const TRACED: [&str; 3] = ["doorstep-traced-0", "doorstep-traced-1", "doorstep-traced-100"];
/// A hook by hand on Fastify, all that wait in one transaction.
pub(super) const FASTIFY_GROUP: &str = "fastify-group";
/// A hook by hand on Fastify, an `INSERT` a call.
pub(super) const FASTIFY_EACH: &str = "fastify-each";
/// A hook by hand on Express, all that wait in one transaction.
pub(super) const EXPRESS_GROUP: &str = "express-group";
/// A hook by hand on Express, an `INSERT` a call.
pub(super) const EXPRESS_EACH: &str = "express-each";

/// What one server did in one round.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Sample {
    /// Which server.
    pub(super) subject: &'static str,
    /// Its processor time for one call, µs.
    pub(super) cpu_us: f64,
    /// The driver's processor time for one call, µs.
    pub(super) driver_cpu_us: f64,
    /// Its processor time as a share of the time that went by.
    pub(super) busy_share: f64,
    /// Answers a second.
    pub(super) calls_per_second: f64,
    /// Half of the answers came within this, ms.
    pub(super) p50_ms: f64,
    /// 99 of 100 answers came within this, ms.
    pub(super) p99_ms: f64,
    /// From process start to ready on an empty store, ms.
    pub(super) ready_first_ms: f64,
    /// The same with the key and the store of the first start, ms.
    pub(super) ready_again_ms: f64,
    /// Memory before the first call.
    pub(super) rest: Resident,
    /// Memory in between, once a second.
    pub(super) over_time: Vec<Resident>,
    /// Memory after the last one.
    pub(super) after: Resident,
    /// Spans that it could not hand over, where it exports traces.
    pub(super) spans_lost: Option<u64>,
    /// What it answered.
    pub(super) verdicts: Verdicts,
}

/// The samples of all rounds.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Sample>);

impl Samples {
    /// Adds one.
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// All, in the order in which they were taken.
    pub(super) fn all(&self) -> &[Sample] {
        &self.0
    }

    /// Those of one server, round by round.
    pub(super) fn of<'a>(&'a self, subject: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.subject == subject)
    }

    /// Each round's cost of one server over that of another.
    pub(super) fn ratios(&self, subject: &str, other: &str) -> Vec<f64> {
        let pairs = self.of(subject).zip(self.of(other));
        pairs.map(|(one, other)| one.cpu_us / other.cpu_us).collect()
    }

    /// The median of the rounds' ratios; `None` where one was not measured.
    pub(super) fn middle_ratio(&self, subject: &str, other: &str) -> Option<f64> {
        median(self.ratios(subject, other))
    }

    /// The same for Doorstep and the whole floor.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.middle_ratio(DOORSTEP, Mode::Full.as_str())
    }

    /// The median of Doorstep's starts on an existing key and store, ms.
    pub(super) fn ready_again_ms(&self) -> Option<f64> {
        median(self.of(DOORSTEP).map(|sample| sample.ready_again_ms).collect())
    }

    /// The most memory Doorstep had at rest, MiB.
    pub(super) fn rest_mib(&self) -> Option<f64> {
        self.of(DOORSTEP).map(|sample| mib(sample.rest.all_kib)).reduce(f64::max)
    }

    /// The most memory one had after the calls, MB (10⁶ bytes).
    pub(super) fn after_mb(&self, subject: &str) -> Option<f64> {
        self.of(subject).map(|sample| mb(sample.after.all_kib)).reduce(f64::max)
    }

    /// Checks that all that judge gave the same verdicts: only then did they do the same work.
    ///
    /// # Errors
    /// When one differs.
    pub(super) fn agree(&self) -> Outcome<()> {
        let Some(first) = self.of(Mode::Full.as_str()).next() else {
            return Err(Fault::new("the floor was not measured"));
        };
        let judging = self.0.iter().filter(|sample| sample.subject != Mode::Echo.as_str());
        for sample in judging {
            if sample.verdicts != first.verdicts {
                let Sample { subject, verdicts, .. } = sample;
                return Err(Fault::new(format!(
                    "{subject} answered {verdicts:?}, the floor {:?}: they did not do the same work",
                    first.verdicts
                )));
            }
        }
        Ok(())
    }
}

/// Processor time by the number of answers, µs.
pub(super) fn per_call_us(busy: Duration, tally: &Tally) -> f64 {
    let answers = u32::try_from(tally.verdicts.all()).unwrap_or(u32::MAX).max(1);
    busy.as_secs_f64() * 1e6 / f64::from(answers)
}

/// A duration in ms.
pub(super) fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// KiB in MB, 10⁶ bytes.
pub(super) fn mb(kib: u64) -> f64 {
    mib(kib) * 1.048_576
}

/// KiB in MiB.
pub(super) fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1_024.0
}
