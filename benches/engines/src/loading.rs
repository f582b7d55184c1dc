//! What loading and checking a bundle takes: time and peak memory, each in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use doorstep::testing::Policies;

use crate::bundles::{self, Bundle};
use crate::fault::{Fault, Outcome, While as _};
use crate::meter::{peak_kib, processor_time};
use crate::table::{Table, median, within};

/// Measure loading and checking.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the bundles are written; emptied by whoever made it.
    #[arg(long)]
    work: PathBuf,
    /// How often each bundle is loaded.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fail when a bundle takes longer or more memory than it should.
    #[arg(long)]
    hold: bool,
}

/// Load one directory and say what it took; for the measure itself.
#[derive(Debug, Args)]
pub(crate) struct One {
    directory: PathBuf,
}

/// Loads a directory and prints processor time in ms, time in ms, and peak memory in KiB.
///
/// # Errors
/// When the bundle does not load.
pub(crate) fn one(options: &One) -> Outcome<()> {
    let (began, processor) = (Instant::now(), processor_time());
    let policies = Policies::load_dir(&options.directory).map_err(first_lines)?;
    let spent = processor_time().saturating_sub(processor);
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1_000.0;
    println!("{:.1} {:.1} {} {}", millis(spent), millis(began.elapsed()), peak_kib()?, policies.rule_count());
    Ok(())
}

/// A large bundle may have very many findings.
fn first_lines(findings: String) -> Fault {
    Fault::new(findings.lines().take(12).collect::<Vec<_>>().join("\n"))
}

/// Measures, and returns the table.
///
/// # Errors
/// When a bundle does not load, or a bound was not kept.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    let mut table = Table::new(&["what is loaded", "CPU ms", "ms at most", "MiB at peak", "MiB at most"]);
    let mut broken = Vec::new();
    for bundle in bundles::all() {
        let directory = options.work.join(bundle.directory);
        bundle.write(&directory)?;
        let loads = (0..options.rounds).map(|_| load(&directory)).collect::<Outcome<Vec<_>>>()?;
        let times: Vec<f64> = loads.iter().map(|load| load.processor_ms).collect();
        let peaks: Vec<f64> = loads.iter().map(|load| load.peak_mib).collect();
        let bound = |bound: Option<u32>| bound.map_or_else(|| "–".to_owned(), |bound| bound.to_string());
        table.row(&[
            bundle.what.to_owned(),
            within(&times, 0),
            bound(bundle.ms_max),
            within(&peaks, 0),
            bound(bundle.mib_max),
        ]);
        if is_over(&bundle, &times, &peaks) {
            broken.push(bundle.what);
        }
    }
    if options.hold && !broken.is_empty() {
        println!("{table}");
        return Err(Fault::new(format!("not within bounds: {}", broken.join("; "))));
    }
    Ok(table.to_string())
}

fn is_over(bundle: &Bundle, times: &[f64], peaks: &[f64]) -> bool {
    let over =
        |bound: Option<u32>, figures: &[f64]| bound.is_some_and(|most| median(figures) > f64::from(most));
    over(bundle.ms_max, times) || over(bundle.mib_max, peaks)
}

struct Load {
    processor_ms: f64,
    peak_mib: f64,
}

/// Loads a directory in a new process, since peak memory is a process's and never falls.
fn load(directory: &Path) -> Outcome<Load> {
    let own = std::env::current_exe().doing("finding this program")?;
    let output = Command::new(own).arg("load-one").arg(directory).output().doing("loading a bundle")?;
    if !output.status.success() {
        return Err(Fault::new(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    match (figures.next(), figures.nth(1)) {
        (Some(Ok(processor_ms)), Some(Ok(peak_kib))) => {
            Ok(Load { processor_ms, peak_mib: peak_kib / 1_024.0 })
        }
        _ => Err(Fault::new(format!("loading a bundle said {text:?}"))),
    }
}
