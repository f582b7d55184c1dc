//! Node.js and npm, which the demo in a browser needs.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::super::DemoError;

/// The oldest Node.js that builds the page: Vite asks for it.
const NODE_MIN: (u32, u32) = (20, 19);

/// How much of what a tool said is shown when it failed, in characters.
const SAID_CHARACTERS_MAX: usize = 2000;

/// Whether both tools are there, and new enough.
///
/// # Errors
/// [`DemoError::Setup`] says what is missing and what to do; nothing was run but `--version`.
pub(super) async fn check() -> Result<(), DemoError> {
    version("npm").await?;
    let node = version("node").await?;
    if numbers(&node).is_some_and(|found| found >= NODE_MIN) {
        return Ok(());
    }
    let (major, minor) = NODE_MIN;
    Err(missing(&format!("Node.js is {node}, older than {major}.{minor}")))
}

/// Runs npm in a directory.
///
/// # Errors
/// [`DemoError::Setup`] with the end of what it said.
pub(super) async fn npm(directory: &Path, arguments: &[&str]) -> Result<(), DemoError> {
    let mut command = Command::new("npm");
    let command = command.args(arguments).current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| missing(&format!("npm does not start: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let skipped = said.chars().count().saturating_sub(SAID_CHARACTERS_MAX);
    let end: String = said.chars().skip(skipped).collect();
    Err(DemoError::Setup(format!("npm {} failed in {}:\n{end}", arguments.join(" "), directory.display())))
}

async fn version(tool: &str) -> Result<String, DemoError> {
    let asked = Command::new(tool).arg("--version").stdin(Stdio::null()).output().await;
    let output = asked.ok().filter(|output| output.status.success());
    let output = output.ok_or_else(|| missing(&format!("`{tool}` is not there")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn missing(what: &str) -> DemoError {
    let (major, minor) = NODE_MIN;
    DemoError::Setup(format!(
        "{what}. The page is built with Node.js {major}.{minor} or newer and npm: install both (https://nodejs.org, or your \
         system's packages), or see the demo without a browser: doorstep demo"
    ))
}

/// Major and minor number of `v20.19.4`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("v20.19.4") >= Some(NODE_MIN) && numbers("v100.0.0") >= Some(NODE_MIN));
        assert!(numbers("v20.9.0") < Some(NODE_MIN) && numbers("v18.20.4") < Some(NODE_MIN));
        assert_eq!(numbers("nonsense"), None);
    }
}
