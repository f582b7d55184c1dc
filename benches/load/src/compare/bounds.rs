//! What a comparison must keep: bounds that were given, and what is promised.

use super::Options;
use super::sample::{DOORSTEP, EXPRESS_EACH, FASTIFY_GROUP, LIMITS, Samples};
use crate::fault::{Fault, Outcome};
use crate::floor::Mode;

/// Doorstep beside the floor, and the same with rules that ask about the past.
const FLOOR_TIMES: f64 = 1.5;
const FLOOR_TIMES_WITH_LIMITS: f64 = 1.6;
/// Doorstep beside hooks that somebody wrote on Node.js.
const FASTIFY_GROUP_TIMES: f64 = 1.0;
const EXPRESS_EACH_TIMES: f64 = 0.2;
/// What Doorstep may have resident after the calls, MB.
const AFTER_MB: f64 = 60.0;

/// A figure, by its name, and the most that it may be.
type Gate = (&'static str, Option<f64>, Option<f64>);

/// Judges the samples by what the options ask for.
///
/// # Errors
/// Every bound that does not hold, or whose figure was not measured.
pub(super) fn hold(options: &Options, samples: &Samples) -> Outcome<()> {
    let gates: [Gate; 5] = [
        ("times the floor", samples.ratio(), options.max_ratio),
        ("start to ready, ms", samples.ready_again_ms(), options.max_ready_ms),
        ("MiB resident at rest", samples.rest_mib(), options.max_rest_mib),
        ("MB resident after the calls", samples.after_mb(DOORSTEP), options.max_after_mb),
        (
            "MB resident after the calls, with limits",
            samples.after_mb(LIMITS),
            options.limits.as_ref().and(options.max_after_mb),
        ),
    ];
    let promised = options.hold.then(|| promises(samples));
    let broken: Vec<String> = gates
        .into_iter()
        .chain(promised.into_iter().flatten())
        .filter_map(|(name, figure, bound)| match (figure, bound?) {
            (Some(figure), bound) if figure <= bound => None,
            (Some(figure), bound) => Some(format!("{name}: {figure:.2} is above {bound}")),
            (None, _) => Some(format!("{name}: was not measured")),
        })
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(Fault::new(broken.join("; "))) }
}

fn promises(samples: &Samples) -> [Gate; 7] {
    let floor = Mode::Full.as_str();
    let times = |subject, other| samples.middle_ratio(subject, other);
    [
        ("times the floor", times(DOORSTEP, floor), Some(FLOOR_TIMES)),
        ("times the floor, with limits", times(LIMITS, floor), Some(FLOOR_TIMES_WITH_LIMITS)),
        ("times Fastify with group commit", times(DOORSTEP, FASTIFY_GROUP), Some(FASTIFY_GROUP_TIMES)),
        (
            "times Fastify with group commit, with limits",
            times(LIMITS, FASTIFY_GROUP),
            Some(FASTIFY_GROUP_TIMES),
        ),
        ("times Express with an INSERT a call", times(DOORSTEP, EXPRESS_EACH), Some(EXPRESS_EACH_TIMES)),
        ("MB resident after the calls", samples.after_mb(DOORSTEP), Some(AFTER_MB)),
        ("MB resident after the calls, with limits", samples.after_mb(LIMITS), Some(AFTER_MB)),
    ]
}
