//! `doorstep policy needs`: what a bundle must know of the past to decide.

use std::path::Path;

use serde::Serialize;

use super::{now, show};
use crate::cli::arguments::Format;
use crate::cli::{Exit, output};
use crate::domain::Scope;
use crate::policy::{Bundle, load_dir};

/// A scope and its questions in words. As JSON its shape is stable: members may be added, none changes.
#[derive(Debug, Serialize)]
struct ScopeNeeds<'b> {
    scope: &'b Scope,
    needs: Vec<String>,
}

pub(super) fn run(dir: &Path, format: Format) -> Exit {
    let bundle = match load_dir(dir, now()) {
        Ok(bundle) => bundle,
        Err(faults) => {
            show(dir, &faults, format);
            return Exit::BundleInvalid;
        }
    };
    let all = scopes(&bundle);
    output::say(&match format {
        Format::Json => serde_json::to_string(&all).unwrap_or_default(),
        Format::Human => page(&all),
    });
    Exit::Fine
}

fn scopes(bundle: &Bundle) -> Vec<ScopeNeeds<'_>> {
    let scopes = bundle.scopes().into_iter();
    scopes
        .map(|scope| {
            let needs = bundle.needs(scope).as_slice();
            ScopeNeeds { scope, needs: needs.iter().map(ToString::to_string).collect() }
        })
        .collect()
}

/// One scope a paragraph, one question a line.
fn page(all: &[ScopeNeeds<'_>]) -> String {
    let lines = all.iter().flat_map(|own| {
        let nothing = own.needs.is_empty().then(|| "  nothing".to_owned());
        let needs = own.needs.iter().map(|need| format!("  {need}"));
        std::iter::once(own.scope.to_string()).chain(needs).chain(nothing)
    });
    lines.collect::<Vec<_>>().join("\n")
}
