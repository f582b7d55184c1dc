//! `doorstep demo --web`, running, and the programs that visit it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;

/// A running demo.
pub(crate) struct Stage {
    demo: Process,
    directory: TempDir,
    /// What it printed: where everything is.
    facts: String,
    ca_file: String,
}

impl Stage {
    /// Starts it with a policy, and waits until the page is served.
    pub(crate) fn set(policies: &Path) -> Self {
        let directory = TempDir::new().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.args(["--format", "json", "--policies"]).arg(policies).args(["demo", "--web"]);
        // A group of its own, as a shell at a terminal gives each command.
        command.process_group(0);
        let mut demo = Process::start(surroundings(&mut command).env("TMPDIR", directory.path()));
        let facts =
            demo.stdout.find("{").unwrap_or_else(|| panic!("it ended, saying:\n{}", demo.stderr.rest()));
        let ca_file = text_of(&facts, "ca_file");
        Self { demo, directory, facts, ca_file }
    }

    /// Starts a visitor.
    pub(crate) fn start(&self, command: &mut Command) -> Process {
        Process::start(visitor(command, self.facts.trim_end(), Path::new(&self.ca_file)))
    }

    /// Ends it as Ctrl-C at a terminal does, which reaches the backend as well; it leaves nothing behind.
    pub(crate) fn clear(self) {
        let interrupt = format!("kill -INT -{}", self.demo.child.id());
        let status = Command::new("sh").args(["-c", &interrupt]).status().expect("a shell");
        assert!(status.success(), "{interrupt}");
        self.demo.end().expect(0);
        let left: Vec<_> = std::fs::read_dir(self.directory.path()).expect("a directory").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Tells a visitor where everything is, whom to trust, and where the browser is.
pub(crate) fn visitor<'a>(command: &'a mut Command, facts: &str, authorities: &Path) -> &'a mut Command {
    surroundings(command)
        .env("DOORSTEP_TEST_STAGE", facts)
        .env("DOORSTEP_TEST_ARTIFACTS", Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser"))
        .env("DOORSTEP_TEST_NODE_MODULES", installed("DOORSTEP_TEST_NODE_MODULES"))
        .env("DOORSTEP_TEST_CHROMIUM", installed("DOORSTEP_TEST_CHROMIUM"))
        .env("NODE_EXTRA_CA_CERTS", authorities)
}

/// A file beside this one.
pub(crate) fn source(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "browser", name].iter().collect()
}

/// What `scripts/test` installed, by the variable that names it.
pub(crate) fn installed(name: &str) -> OsString {
    let place = variable(name).unwrap_or_else(|| {
        panic!(
            "{name} is not set: run `scripts/test`, which installs what this test needs and says where it is"
        )
    });
    let exists = Path::new(&place).exists();
    assert!(exists, "{name} names what is not there: run `scripts/test`, which installs it");
    place
}

/// Nothing of the test's own environment but what finds programs and the cache folder.
pub(crate) fn surroundings(command: &mut Command) -> &mut Command {
    command.env_clear();
    let names = ["PATH", "HOME", "XDG_CACHE_HOME"];
    command.envs(names.into_iter().filter_map(|name| Some((name, variable(name)?))))
}

fn text_of(facts: &str, name: &str) -> String {
    let facts: serde_json::Value = serde_json::from_str(facts).expect("JSON");
    facts.get(name).and_then(serde_json::Value::as_str).expect("a text").to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tools are is the environment's to say; these are no settings"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
