//! `doorstep policy`: looks at policy files without starting anything.

use std::path::PathBuf;

use super::arguments::{Format, PolicyCommand, Shared};
use super::{Exit, output};
use crate::config::{environment, load};
use crate::policy::{Diagnostics, Severity, load_dir};

pub(super) fn run(command: PolicyCommand, shared: &Shared) -> Exit {
    match command {
        PolicyCommand::Check { dir } => match dir.map_or_else(|| configured_dir(shared), Ok) {
            Ok(dir) => check(&dir, shared.format),
            Err(exit) => exit,
        },
    }
}

/// `policies.dir`. An installation that is not configured yet can still check a directory by naming it.
fn configured_dir(shared: &Shared) -> Result<PathBuf, Exit> {
    match load(shared.clone().load_request(environment())) {
        Ok(settings) => Ok(settings.policies.dir),
        Err(faults) => {
            output::complain(&faults.to_string());
            output::complain(
                "To check a directory without any configuration, name it: doorstep policy check DIR",
            );
            Err(Exit::Usage)
        }
    }
}

fn check(dir: &std::path::Path, format: Format) -> Exit {
    let loaded = load_dir(dir);
    let diagnostics = match &loaded {
        Ok(bundle) => bundle.warnings(),
        Err(diagnostics) => diagnostics,
    };
    match format {
        Format::Json => output::say(&serde_json::to_string(diagnostics).unwrap_or_default()),
        Format::Human => {
            if !diagnostics.is_empty() {
                output::complain(&format!("{diagnostics}\n\n{}: {}", dir.display(), tally(diagnostics)));
            }
            if let Ok(bundle) = &loaded {
                output::say(&format!(
                    "{}: {} scopes, {} rules, no faults; bundle {}",
                    dir.display(),
                    bundle.scopes().len(),
                    bundle.rule_count(),
                    bundle.hash()
                ));
            }
        }
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
