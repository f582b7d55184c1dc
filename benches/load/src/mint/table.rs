//! The figures of the rounds, as a table that people read and that is committed.

use std::fmt::Write as _;
use std::time::Duration;

use super::send::Answered;
use crate::report::{kernel, median, processor, spread};
use crate::server::Cores;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The floor.
    Floor,
    /// A token of an approved verification.
    Mint,
    /// Opened, approved and minted in one call.
    OneCall,
}

impl Form {
    /// What tables call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor: one RSA signature, HTTP echo",
            Self::Mint => "Doorstep, `POST /v1/verifications/{id}/token`",
            Self::OneCall => "Doorstep, `POST /v1/verification-tokens`, by challenge token",
        }
    }
}

/// What one form did in one round.
#[derive(Debug)]
pub(super) struct Sample {
    form: Form,
    cpu_us: f64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Sample {
    /// The figures of `count` answers that cost `busy` of processor time.
    pub(super) fn of(form: Form, (busy, count): (Duration, usize), answered: &Answered) -> Self {
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX).max(1));
        Self {
            form,
            cpu_us: busy.as_secs_f64() * 1e6 / count,
            per_second: count / answered.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            p50_ms: answered.percentile_ms(50),
            p99_ms: answered.percentile_ms(99),
        }
    }
}

/// The samples of all rounds.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// Adds one.
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    fn figures(&self, form: Form, figure: fn(&Sample) -> f64) -> Vec<f64> {
        self.0.iter().filter(|sample| sample.form == form).map(figure).collect()
    }

    /// Each round's cost of a form over that of the floor.
    fn ratios(&self, form: Form) -> Vec<f64> {
        let floor = self.figures(Form::Floor, |sample| sample.cpu_us);
        let costs = self.figures(form, |sample| sample.cpu_us);
        costs.into_iter().zip(floor).map(|(cost, floor)| cost / floor).collect()
    }

    /// The median of the rounds' ratios.
    pub(super) fn ratio(&self, form: Form) -> Option<f64> {
        median(self.ratios(form))
    }
}

/// Under what conditions was measured.
pub(super) struct Setting<'a> {
    /// What was measured: a commit.
    pub(super) about: &'a str,
    /// Whether servers and driver had a core each.
    pub(super) cores: Cores,
    /// The kind of disk under the store.
    pub(super) disk: String,
    /// Tokens a form and round.
    pub(super) calls: usize,
    /// Connections.
    pub(super) connections: usize,
    /// The machine's load.
    pub(super) load: String,
}

/// One sample on one line.
pub(super) fn row(sample: &Sample) -> String {
    format!(
        "{:<62} {:6.1} µs CPU a token, {:5.0} tokens/s, p50 {:5.2} ms, p99 {:5.2} ms",
        sample.form.name(),
        sample.cpu_us,
        sample.per_second,
        sample.p50_ms,
        sample.p99_ms,
    )
}

/// The whole report, Markdown.
pub(super) fn render(samples: &Samples, setting: &Setting<'_>) -> String {
    let apart = match setting.cores {
        Cores::Apart => "servers on core 0, driver on core 1",
        Cores::Shared => "servers and driver on the same cores",
    };
    let mut text = String::from("# What a verification token costs\n\n");
    // INVARIANT: writing into a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "Measured: {}. Made by `benches/mint.sh`.\n\n{}, {}; {apart}; store on {}; load average {}.\n\
         {} tokens a form and round, each of a challenge of its own, {} connections, rounds alternating between the forms;\n\
         figures are medians of the rounds, in brackets the lowest and the highest.\n",
        setting.about,
        processor(),
        kernel(),
        setting.disk,
        setting.load,
        setting.calls,
        setting.connections,
    );
    text.push_str("| form | times the floor | µs CPU a token | tokens/s | p50 ms | p99 ms |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    for form in [Form::Floor, Form::Mint, Form::OneCall] {
        let middle = |digits: usize, figure: fn(&Sample) -> f64| {
            median(samples.figures(form, figure))
                .map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            form.name(),
            spread(samples.ratios(form), 2),
            spread(samples.figures(form, |sample| sample.cpu_us), 0),
            middle(0, |sample| sample.per_second),
            middle(1, |sample| sample.p50_ms),
            middle(1, |sample| sample.p99_ms),
        );
    }
    text
}
