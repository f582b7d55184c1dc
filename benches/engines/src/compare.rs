//! One rule set in every engine: first that they decide alike, then what an evaluation costs.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use clap::Args;

use crate::asked::{self, Asked};
use crate::contender::{self, Contender, OTHERWISE, Work};
use crate::fault::{Fault, Outcome};
use crate::meter::processor_time;
use crate::table::{Table, median, within};

/// How many requests are decided to see that all engines agree.
const CHECKED: usize = 4_000;
/// How many requests are decided again and again to be timed; few, so that none is slow for being looked up anew.
const TIMED: usize = 64;
/// The rule below which no other stands: who gets there has been tried by all twenty.
const LAST_RULE: &str = "ordinary";
const RULES: usize = 20;

/// Measure one rule set in every engine.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often the engines take turns.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How long an engine's turn is, in milliseconds of processor time.
    #[arg(long, default_value_t = 200)]
    turn_ms: u64,
    /// How many scopes the large bundle has.
    #[arg(long, default_value_t = 1_000)]
    scopes: usize,
    /// Leave the other engines out, for a look with a profiler.
    #[arg(long)]
    own_only: bool,
    /// Fail when the best of the other engines needs less than this many times Doorstep's time for the same work.
    #[arg(long)]
    min_advantage: Option<f64>,
    /// Fail when the large bundle costs more than this many times what the small one does.
    #[arg(long)]
    max_growth: Option<f64>,
    /// Fail when an evaluation takes more nanoseconds than this.
    #[arg(long)]
    max_ns: Option<f64>,
}

/// Measures, and returns the table.
///
/// # Errors
/// When an engine failed, the engines do not agree, or a bound was not kept.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    let checked = asked::draw(7, CHECKED);
    let decisions = agreed(&checked, options.scopes)?;
    let last = checked.into_iter().zip(decisions).filter(|(_, rule)| rule == LAST_RULE);
    let timed: Vec<Asked> = last.map(|(asked, _)| asked).take(TIMED).collect();
    let mut contenders = contender::all(&timed, options.scopes)?;
    if options.own_only {
        contenders.truncate(2);
    }
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=options.rounds {
        for ((_, contender), times) in contenders.iter_mut().zip(&mut rounds) {
            let time = turn(&mut **contender, timed.len(), Duration::from_millis(options.turn_ms))?;
            // The first round fills caches.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let names: Vec<_> = contenders.iter().map(|(work, contender)| (contender.name(), *work)).collect();
    report(&names, &rounds, options)
}

/// Lets all engines decide about all requests.
///
/// # Errors
/// When two of them differ, in a rule or in a condition, or when a rule decides none.
fn agreed(asked: &[Asked], scopes: usize) -> Outcome<Vec<String>> {
    let mut expected: Vec<(String, String)> = Vec::new();
    for (work, mut contender) in contender::all(asked, scopes)? {
        let mut decisions = Vec::with_capacity(asked.len());
        for at in 0..asked.len() {
            contender.decide(at, &mut |rule, noted| decisions.push((rule.to_owned(), noted.to_owned())))?;
        }
        if expected.is_empty() {
            expected.clone_from(&decisions);
        }
        let differs = |(own, other): (&(String, String), &(String, String))| {
            own.0 != other.0 || (work == Work::Whole && own.1 != other.1)
        };
        if let Some(at) = expected.iter().zip(&decisions).position(differs) {
            let found = (expected.get(at), decisions.get(at), asked.get(at));
            return Err(Fault::new(format!("{} decides otherwise: {found:?}", contender.name())));
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (rule, _) in &expected {
        *counts.entry(rule).or_default() += 1;
    }
    let reached = counts.keys().filter(|rule| **rule != OTHERWISE).count();
    if reached == RULES && counts.contains_key(OTHERWISE) {
        Ok(expected.into_iter().map(|(rule, _)| rule).collect())
    } else {
        Err(Fault::new(format!("the requests do not reach every rule: {counts:?}")))
    }
}

/// Lets one engine decide for a while; gives nanoseconds of processor time an evaluation.
#[expect(clippy::as_conversions, reason = "nanoseconds and counts of a measure are far below 2^52")]
fn turn(contender: &mut dyn Contender, requests: usize, length: Duration) -> Outcome<f64> {
    let from = processor_time();
    let mut count = 0_u64;
    loop {
        for _ in 0..16 {
            for at in 0..requests {
                contender.decide(at, &mut |rule, noted| _ = black_box((rule.len(), noted.len())))?;
                count += 1;
            }
        }
        let spent = processor_time().saturating_sub(from);
        if spent >= length {
            return Ok(spent.as_nanos() as f64 / count as f64);
        }
    }
}

fn report(names: &[(String, Work)], rounds: &[Vec<f64>], options: &Options) -> Outcome<String> {
    let [small, large, ..] = rounds else { return Err(Fault::new("nothing was measured")) };
    let ratios = |times: &[f64]| times.iter().zip(small).map(|(time, own)| time / own).collect::<Vec<_>>();
    let mut table = Table::new(&["engine", "what it does", "times Doorstep", "ns CPU an evaluation"]);
    for ((name, work), times) in names.iter().zip(rounds) {
        let ratio = format!("{:.2}", median(&ratios(times)));
        table.row(&[name.clone(), work.as_str().to_owned(), ratio, within(times, 0)]);
    }
    let own = median(small);
    let growth = median(&ratios(large));
    let others = || names.iter().zip(rounds).skip(2);
    let best = |work: Work| {
        let of_work = others().filter(|((_, of), _)| *of == work);
        of_work.map(|(_, times)| median(&ratios(times))).fold(f64::INFINITY, f64::min)
    };
    let (advantage, early) = (best(Work::Whole), best(Work::UntilSettled));
    let text = format!(
        "{table}\n**For the same work, the best of the others needs {advantage:.1} times Doorstep's processor time**; {early:.1} \
         times when it may stop at what settles a rule and note nothing, which Doorstep never does. The same rules in the \
         large bundle cost {growth:.2} times as much as alone.\n"
    );
    let broken = [
        options
            .min_advantage
            .filter(|least| advantage < *least)
            .map(|least| format!("an advantage of {least}")),
        options.max_growth.filter(|most| growth > *most).map(|most| format!("a growth of {most}")),
        options.max_ns.filter(|most| own > *most).map(|most| format!("{most} ns")),
    ];
    let broken: Vec<_> = broken.into_iter().flatten().collect();
    if broken.is_empty() {
        return Ok(text);
    }
    println!("{text}");
    Err(Fault::new(format!("not within {}", broken.join(", "))))
}
