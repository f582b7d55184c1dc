//! Chromium walks the example's page, with Prelude's own SDK in it and everything real behind it: `doorstep demo --web`
//! starts the emulator, Doorstep and the customer's backend; `suite.mjs` drives the browser through playwright-core.
//!
//! A picture of each state is kept in `browser/` of Cargo's directory for tests' files (`target/tmp`). `scripts/test` installs Chromium
//! and playwright-core and says where they are; without them these tests fail, because a check that cannot run has not passed.
#![expect(clippy::expect_used, clippy::panic, reason = "a test says what is wrong by failing")]

#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "shared with tests/cli")]
mod process;
mod stage;
mod tutorial;

use std::process::Command;

use stage::{Stage, installed, source};

/// How many tests `suite.mjs` has: one that is lost, or left out, is a failure.
const TESTS: usize = 18;

#[test]
fn chromium_walks_the_example() {
    let stage = Stage::set(&source("policies"));
    let mut command = Command::new("node");
    command.args(["--test-reporter=spec", "--test-reporter-destination=stdout"]).arg(source("suite.mjs"));
    let mut suite = stage.start(&mut command);
    let mut passed = None;
    while let Some(line) = suite.stdout.find("") {
        print!("{line}");
        passed = line.trim_end().strip_prefix("ℹ pass ").map(str::to_owned).or(passed);
    }
    suite.end().expect(0);
    assert_eq!(passed, Some(TESTS.to_string()), "all tests ran, and passed");
    stage.clear();
}

/// What is missing is said at once, and not after minutes.
#[test]
fn everything_is_installed() {
    installed("DOORSTEP_TEST_NODE_MODULES");
    installed("DOORSTEP_TEST_CHROMIUM");
}
