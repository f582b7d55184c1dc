//! Runs the scripts beside this file with the libraries that `scripts/test` installed.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::Process;

/// A script of ours in Python or JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Tokens judged by PyJWT.
    VerifyPython,
    /// Tokens judged by jose.
    VerifyNode,
    /// Policy files judged by ajv.
    Schema,
    /// Prelude's side.
    Prelude,
    /// Identity-check providers.
    Providers,
    /// Prelude's SDK.
    Sdk,
    /// The emulator's signatures judged by `cryptography`.
    SignaturesPython,
    /// The emulator's signatures judged by Node's own crypto.
    SignaturesNode,
    /// Prelude's side, and schemathesis.
    Described,
}

/// Starts a script in an environment that holds nothing but what it needs: no proxy stands before this machine.
pub(crate) fn start(script: Script, arguments: &[OsString]) -> Process {
    start_with(script, arguments, &[])
}

/// The same with more in its environment.
pub(crate) fn start_with(script: Script, arguments: &[OsString], more: &[(&str, &OsStr)]) -> Process {
    let (program, name) = match script {
        Script::VerifyPython => (installed("DOORSTEP_TEST_PYTHON"), "verify.py"),
        Script::VerifyNode => ("node".into(), "verify.mjs"),
        Script::Schema => ("node".into(), "schema.mjs"),
        Script::Prelude => (installed("DOORSTEP_TEST_PYTHON"), "prelude.py"),
        Script::Providers => (installed("DOORSTEP_TEST_PYTHON"), "providers.py"),
        Script::Sdk => ("node".into(), "sdk.mjs"),
        Script::SignaturesPython => (installed("DOORSTEP_TEST_PYTHON"), "signatures.py"),
        Script::SignaturesNode => ("node".into(), "signatures.mjs"),
        Script::Described => (installed("DOORSTEP_TEST_PYTHON"), "openapi/described.py"),
    };
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "interop", name].iter().collect();
    let mut command = Command::new(program);
    command.arg(file).args(arguments).env_clear().env("PATH", variable("PATH").unwrap_or_default());
    if [Script::VerifyNode, Script::Schema, Script::Sdk].contains(&script) {
        command.env("DOORSTEP_TEST_NODE_MODULES", installed("DOORSTEP_TEST_NODE_MODULES"));
    }
    Process::start(command.envs(more.iter().copied()))
}

/// Waits for the next line that a script prints.
pub(crate) fn next_line(script: &mut Process) -> String {
    let line = script.stdout.find("");
    line.unwrap_or_else(|| panic!("it ended, saying:\n{}", script.stderr.rest()))
}

/// Writes a line to a script's stdin.
pub(crate) fn tell(script: &mut Process, line: &str) {
    let stdin = script.child.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "{line}").expect("it reads");
}

/// Runs a script to its end and reads the list that it prints.
pub(crate) fn run(script: Script, arguments: &[OsString]) -> Vec<Value> {
    let ended = start(script, arguments).end().expect(0);
    serde_json::from_str(&ended.stdout).expect("a list")
}

/// Fails at once, and not after minutes, where something is missing.
pub(crate) fn expect_all_installed() {
    installed("DOORSTEP_TEST_PYTHON");
    installed("DOORSTEP_TEST_NODE_MODULES");
}

/// What `scripts/test` installed, by the variable that names it.
pub(crate) fn installed(name: &str) -> OsString {
    let place = variable(name).unwrap_or_else(|| {
        panic!("{name} is not set: run `scripts/test`, which installs the libraries that this test needs and says where they are")
    });
    assert!(
        PathBuf::from(&place).exists(),
        "{name} names what is not there: run `scripts/test`, which installs it"
    );
    place
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tools are is the environment's to say; these are no settings"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
