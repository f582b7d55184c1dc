//! The figures as a table that people read and that is committed.

use std::fmt::Write as _;

use super::sample::{
    DOORSTEP, EXPRESS_EACH, EXPRESS_GROUP, FASTIFY_EACH, FASTIFY_GROUP, LIMITS, Sample, Samples, TRACED, mb,
    mib,
};
use crate::floor::Mode;
use crate::report::{kernel, median, processor, spread};
use crate::server::Cores;

/// Under what conditions was measured.
pub(crate) struct Setting<'a> {
    /// What was measured: a commit.
    pub(super) about: &'a str,
    /// Whether server and driver had a core each.
    pub(super) cores: Cores,
    /// The kind of disk under the stores.
    pub(super) disk: String,
    /// Calls a server and round.
    pub(super) calls: usize,
    /// Connections.
    pub(super) connections: usize,
    /// How much the machine did besides.
    pub(super) load: String,
}

/// From how many calls on a measure is one of many.
const MANY_CALLS: usize = 1_000_000;
/// From how many looks on memory over time tells something.
const LOOKS_MIN: usize = 40;

/// One sample on one line.
pub(super) fn row(sample: &Sample) -> String {
    format!(
        "{:<19} {:6.1} µs CPU a call, {:6.0} calls/s, p50 {:5.2} ms, p99 {:5.2} ms, busy {:3.0} %, \
         ready {:4.0} ms, again {:4.0} ms, {:5.1} MiB at rest, {:5.1} MiB after; driver {:4.1} µs",
        sample.subject,
        sample.cpu_us,
        sample.calls_per_second,
        sample.p50_ms,
        sample.p99_ms,
        sample.busy_share * 100.0,
        sample.ready_first_ms,
        sample.ready_again_ms,
        mib(sample.rest.all_kib),
        mib(sample.after.all_kib),
        sample.driver_cpu_us,
    )
}

/// Every server by its name among the samples, and as people read it.
const NAMED: [(&str, &str); 12] = [
    (Mode::Echo.as_str(), "floor: echo"),
    (Mode::Verify.as_str(), "floor: + verify, ten rules"),
    (Mode::Full.as_str(), "floor: + durable record, group commit"),
    (DOORSTEP, "Doorstep"),
    (LIMITS, "Doorstep, two limits on the user's past besides"),
    (TRACED[0], "Doorstep, traces of 0 % of the calls"),
    (TRACED[1], "Doorstep, traces of 1 %"),
    (TRACED[2], "Doorstep, traces of 100 %"),
    (FASTIFY_GROUP, "Fastify, group commit"),
    (EXPRESS_GROUP, "Express, group commit"),
    (FASTIFY_EACH, "Fastify, an INSERT a call"),
    (EXPRESS_EACH, "Express, an INSERT a call"),
];

/// The whole report, Markdown.
pub(super) fn render(samples: &Samples, setting: &Setting<'_>) -> String {
    let is_beside = samples.of(FASTIFY_GROUP).next().is_some();
    let (heading, script) = if is_beside {
        ("# A hook call beside what one would write by hand", "compare.sh")
    } else if setting.calls >= MANY_CALLS {
        ("# What a million hook calls cost", "hook.sh")
    } else if samples.of(TRACED[0]).next().is_some() {
        ("# What traces cost", "hook.sh --tracing")
    } else {
        ("# What a hook call costs", "hook.sh")
    };
    let mut text = format!("{heading}\n\n");
    let apart = match setting.cores {
        Cores::Apart => "server on core 0, driver on core 1",
        Cores::Shared => "server and driver on the same cores",
    };
    // INVARIANT: writing into a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "Measured: {}. Made by `benches/{script}`.\n\n{}, {}; {apart}; stores on {}; load average {}.\n\
         {} distinct signed calls a server and round, {} connections, rounds alternating between the servers;\n\
         figures are medians of the rounds, in brackets the lowest and the highest.\n",
        setting.about,
        processor(),
        kernel(),
        setting.disk,
        setting.load,
        setting.calls,
        setting.connections,
    );
    text.push_str(
        "| server | µs CPU a call | calls/s | p50 ms | p99 ms | MiB at rest | MiB after | ms to ready |\n",
    );
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (subject, name) in NAMED.into_iter().filter(|(subject, _)| samples.of(subject).next().is_some()) {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} |",
            spread(figures(samples, subject, |sample| sample.cpu_us), 1),
            middle(samples, subject, 0, |sample| sample.calls_per_second),
            middle(samples, subject, 2, |sample| sample.p50_ms),
            middle(samples, subject, 2, |sample| sample.p99_ms),
            middle(samples, subject, 1, |sample| mib(sample.rest.all_kib)),
            middle(samples, subject, 1, |sample| mib(sample.after.all_kib)),
            middle(samples, subject, 0, |sample| sample.ready_first_ms),
        );
    }
    if samples.ratio().is_some() {
        text.push_str("\nThe median, and in brackets each round:\n\n");
        text.push_str(&times(samples));
        text.push_str(&traces(samples));
        text.push_str(&memory(samples));
        let _ = writeln!(
            text,
            "\nDoorstep's start to ready: {} ms on an empty store, {} ms with an existing key and store.",
            spread(figures(samples, DOORSTEP, |sample| sample.ready_first_ms), 0),
            spread(figures(samples, DOORSTEP, |sample| sample.ready_again_ms), 0),
        );
    }
    text
}

/// What Doorstep costs beside the others, a line each.
fn times(samples: &Samples) -> String {
    let mut text = String::new();
    for (subject, whose) in [(DOORSTEP, "Doorstep"), (LIMITS, "Doorstep with limits")] {
        for (other, name) in NAMED
            .into_iter()
            .filter(|(other, _)| [Mode::Full.as_str(), FASTIFY_GROUP, EXPRESS_EACH].contains(other))
        {
            let Some(ratio) = samples.middle_ratio(subject, other) else { continue };
            let each: Vec<String> =
                samples.ratios(subject, other).iter().map(|ratio| format!("{ratio:.2}")).collect();
            let _ = writeln!(text, "- **{whose} costs {ratio:.2} times \"{name}\"** ({})", each.join(", "));
        }
    }
    text
}

/// How memory grew, where it took long enough to tell, MB.
fn memory(samples: &Samples) -> String {
    let mut text = String::new();
    for (subject, whose) in [(DOORSTEP, "Doorstep"), (LIMITS, "Doorstep with limits")] {
        let Some(sample) = samples.of(subject).find(|sample| sample.over_time.len() >= LOOKS_MIN) else {
            continue;
        };
        let looks: Vec<f64> = sample.over_time.iter().map(|look| mb(look.all_kib)).collect();
        let [first, .., last] = [0, 1, 2, 3].map(|quarter| {
            let from = looks.len() * quarter / 4;
            let quarter = looks.iter().skip(from).take(looks.len() / 4);
            median(quarter.copied().collect()).unwrap_or_default()
        });
        let most = looks.iter().copied().fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "- {whose} had {first:.1} MB resident in the first quarter, {last:.1} MB in the last (medians of looks, one a second), \
             {most:.1} MB at most, {:.1} MB after the calls",
            mb(sample.after.all_kib),
        );
    }
    text
}

/// What traces cost, a line for each share of calls.
fn traces(samples: &Samples) -> String {
    let mut text = String::new();
    for (subject, percent) in TRACED.into_iter().zip([0, 1, 100]) {
        let Some(ratio) = samples.middle_ratio(subject, DOORSTEP) else { continue };
        let each: Vec<String> =
            samples.ratios(subject, DOORSTEP).iter().map(|ratio| format!("{ratio:.2}")).collect();
        let lost: u64 = samples.of(subject).filter_map(|sample| sample.spans_lost).sum();
        let _ = writeln!(
            text,
            "- **With traces of {percent} % of the calls Doorstep costs {ratio:.2} times Doorstep without** ({}); {lost} spans were lost",
            each.join(", ")
        );
    }
    text
}

fn figures(samples: &Samples, subject: &str, figure: fn(&Sample) -> f64) -> Vec<f64> {
    samples.of(subject).map(figure).collect()
}

fn middle(samples: &Samples, subject: &str, digits: usize, figure: fn(&Sample) -> f64) -> String {
    median(figures(samples, subject, figure))
        .map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}
