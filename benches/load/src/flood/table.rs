//! The table of a flood.

use std::fmt::Write as _;

use super::Phase;
use super::forger::Forged;
use crate::report::{kernel, load_average, median, processor, spread};
use crate::server::Cores;

/// What one phase of one round showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// What arrived beside the honest calls.
    pub(crate) phase: Phase,
    /// What became of it.
    pub(crate) forged: Forged,
    /// How long the phase took.
    pub(crate) seconds: f64,
    /// Half of the honest answers came within this, ms.
    pub(crate) p50_ms: f64,
    /// 99 of 100 honest answers came within this, ms.
    pub(crate) p99_ms: f64,
    /// The server's processor time as a share of the time that went by.
    pub(crate) busy_share: f64,
}

/// What the measure was made with.
pub(crate) struct Setting<'a> {
    /// Which commit.
    pub(crate) about: &'a str,
    /// Which cores did what.
    pub(crate) cores: Cores,
    /// Honest calls in each phase.
    pub(crate) calls: usize,
    /// Of these a second.
    pub(crate) honest_rate: u32,
    /// Forged calls a second where they were paced.
    pub(crate) rate: u32,
}

impl Sample {
    fn forged_a_second(&self) -> f64 {
        self.a_second(self.forged.looked_at + self.forged.shed)
    }

    fn looked_at_a_second(&self) -> f64 {
        self.a_second(self.forged.looked_at)
    }

    fn a_second(&self, count: u64) -> f64 {
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / self.seconds
    }
}

/// One line for people who wait.
pub(crate) fn row(sample: &Sample) -> String {
    format!(
        "{:<11} {:>7.0} forged/s, {:>6.0} looked at, p50 {:.2} ms, p99 {:.2} ms, {:.0} % of a core",
        format!("{:?}", sample.phase),
        sample.forged_a_second(),
        sample.looked_at_a_second(),
        sample.p50_ms,
        sample.p99_ms,
        sample.busy_share * 100.0
    )
}

/// Each round's p99 in a phase over that of its quiet phase.
pub(crate) fn ratios(samples: &[Sample], phase: Phase) -> Vec<f64> {
    let of = |phase| samples.iter().filter(move |sample| sample.phase == phase);
    of(phase).zip(of(Phase::Quiet)).map(|(loud, quiet)| loud.p99_ms / quiet.p99_ms).collect()
}

/// The section for docs/PERFORMANCE.md.
pub(crate) fn render(samples: &[Sample], setting: &Setting<'_>) -> String {
    let mut text = String::from("# What a flood of forged calls does\n\n");
    let place = match setting.cores {
        Cores::Apart => "server on core 0, senders on core 1",
        Cores::Shared => "server and senders on the same cores",
    };
    let head = writeln!(
        text,
        "Measured: {}. Made by `benches/flood.sh`.\n\n{}, {}; {place}; load average {}.\n{} honest calls a phase, {} a second; \
         forged ones name a real key and carry a signature of the right\nform. Figures are medians of the rounds, in brackets the \
         lowest and the highest.\n\n\
         | beside the honest calls | forged/s | of these looked at | server, % of a core | honest p50 ms | honest p99 ms | times quiet |\n\
         |---|--:|--:|--:|--:|--:|--:|",
        setting.about,
        processor(),
        kernel(),
        load_average(),
        setting.calls,
        setting.honest_rate,
    );
    debug_assert!(head.is_ok(), "a string grows");
    for phase in Phase::ALL {
        text += &line(samples, (phase, setting.rate));
    }
    text.push('\n');
    text
}

fn line(samples: &[Sample], (phase, rate): (Phase, u32)) -> String {
    let of = |figure: fn(&Sample) -> f64| {
        samples.iter().filter(|sample| sample.phase == phase).map(figure).collect::<Vec<_>>()
    };
    let what = match phase {
        Phase::Quiet => "nothing".to_owned(),
        Phase::Strangers => format!("{rate} forged a second, from another address"),
        Phase::Shared => format!("{rate} forged a second, from the same address"),
        Phase::Flat => "as many as are answered, from another address".to_owned(),
        Phase::FlatShared => "as many as are answered, from the same address".to_owned(),
    };
    let middle = |figures| median(figures).unwrap_or_default();
    format!(
        "| {what} | {:.0} | {:.0} | {:.0} | {} | {} | {} |\n",
        middle(of(Sample::forged_a_second)),
        middle(of(Sample::looked_at_a_second)),
        middle(of(|sample| sample.busy_share * 100.0)),
        spread(of(|sample| sample.p50_ms), 2),
        spread(of(|sample| sample.p99_ms), 2),
        spread(ratios(samples, phase), 2),
    )
}
