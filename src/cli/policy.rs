//! `doorstep policy`: looks at policy files without starting anything.

mod explain;
mod history;
mod needs;
mod schema;

use std::path::{Path, PathBuf};

use super::arguments::{Format, PolicyCommand, Shared};
use super::{Exit, output, with_settings};
use crate::app;
use crate::boot::Sources;
use crate::config::{environment, load};
use crate::domain::{RetentionTerms, Timestamp};
use crate::policy::{Diagnostics, Severity, Suite, load_dir};

pub(super) async fn run(command: PolicyCommand, shared: &Shared) -> Exit {
    let format = shared.format;
    let done = match command {
        PolicyCommand::Check { dir } => {
            located(dir, shared).map(|(dir, terms)| check(&dir, terms.as_ref(), format))
        }
        PolicyCommand::Test { dir, min_coverage } => {
            directory(dir, shared).map(|dir| test(&dir, min_coverage, format))
        }
        PolicyCommand::Explain(mut options) => {
            directory(options.dir.take(), shared).map(|dir| explain::run(&dir, *options, format))
        }
        PolicyCommand::History(options) => {
            let history = async move |settings| history::run(settings, options.limit, format).await;
            return with_settings(shared.clone(), history).await;
        }
        PolicyCommand::Needs { dir } => directory(dir, shared).map(|dir| needs::run(&dir, format)),
        PolicyCommand::Schema(options) => Ok(schema::run(&options)),
    };
    done.unwrap_or_else(|exit| exit)
}

/// The directory that was named, or `policies.dir`. An installation that is not configured yet can still look at a
/// directory by naming it.
fn directory(named: Option<PathBuf>, shared: &Shared) -> Result<PathBuf, Exit> {
    located(named, shared).map(|(dir, _)| dir)
}

/// The same, with how long the record is kept, where there are settings that say so.
fn located(named: Option<PathBuf>, shared: &Shared) -> Result<(PathBuf, Option<RetentionTerms>), Exit> {
    let settings = load(shared.clone().load_request(environment()));
    if let Some(dir) = named {
        return Ok((dir, settings.ok().map(|settings| settings.retention)));
    }
    match settings {
        Ok(settings) => Ok((settings.policies.dir, Some(settings.retention))),
        Err(faults) => {
            output::complain(&faults.to_string());
            output::complain("To look at a directory without any configuration, name it at the end.");
            Err(Exit::Usage)
        }
    }
}

/// The moment by which the age of files is judged: this machine's, as at a start.
fn now() -> Timestamp {
    Sources::real().clock.now()
}

fn check(dir: &Path, terms: Option<&RetentionTerms>, format: Format) -> Exit {
    let loaded = load_dir(dir, now());
    match &loaded {
        Ok(bundle) => show(dir, &app::warnings(bundle, terms), format),
        Err(diagnostics) => show(dir, diagnostics, format),
    }
    if let (Ok(bundle), Format::Human) = (&loaded, format) {
        output::say(&format!(
            "{}: {} scopes, {} rules, no faults; bundle {}",
            dir.display(),
            bundle.scopes().len(),
            bundle.rule_count(),
            bundle.hash()
        ));
    }
    if loaded.is_ok() { Exit::Fine } else { Exit::BundleInvalid }
}

/// How much was found: `2 errors, 1 warning`.
fn tally(diagnostics: &Diagnostics) -> String {
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .map(|(severity, name)| (diagnostics.count(severity), name));
    let found = counts.into_iter().filter(|(count, _)| *count > 0);
    let words = found.map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
    words.collect::<Vec<_>>().join(", ")
}

/// Findings are data to a program and talk to a person.
pub(super) fn show(dir: &Path, diagnostics: &Diagnostics, format: Format) {
    match format {
        Format::Json => output::say(&serde_json::to_string(diagnostics).unwrap_or_default()),
        Format::Human if diagnostics.is_empty() => {}
        Format::Human => {
            output::complain(&format!("{diagnostics}\n\n{}: {}", dir.display(), tally(diagnostics)));
        }
    }
}

fn test(dir: &Path, min_coverage: Option<u8>, format: Format) -> Exit {
    let loaded = load_dir(dir, now()).and_then(|bundle| Ok((Suite::load_dir(dir, &bundle)?, bundle)));
    let (suite, bundle) = match loaded {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            show(dir, &diagnostics, format);
            return Exit::BundleInvalid;
        }
    };
    let report = suite.run(&bundle);
    output::say(&match format {
        Format::Json => serde_json::to_string(&report).unwrap_or_default(),
        Format::Human => report.to_string(),
    });
    let wanted = usize::from(min_coverage.unwrap_or(0));
    let is_covered = report.percent_covered() >= wanted;
    if !is_covered {
        output::complain(&format!("The tests reach less than {wanted} % of the bundle."));
    }
    if report.is_as_expected() && is_covered { Exit::Fine } else { Exit::TestDiffers }
}
