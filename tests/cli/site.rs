//! An installation: a directory, the environment that `doorstep` is started in, and the server there.

use std::path::{Path, PathBuf};
use std::process::Command;

use doorstep::testing::{Prelude, leaks};
use tempfile::TempDir;

use crate::process::{Ended, Process};

/// What this repository ships.
pub(crate) const SHIPPED_POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");

/// How the names of secret settings end.
const SECRETS: [&str; 6] =
    ["encryption_key", "password", "management_key", "verification_token", "secret", "tracing.headers"];

const DOORSTEP: &str = env!("CARGO_BIN_EXE_doorstep");

/// Where `doorstep` is started, and with which environment: nothing of the test's own leaks in.
pub(crate) struct Site {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl Site {
    /// An empty directory and no configuration at all.
    pub(crate) fn bare() -> Self {
        Self { directory: TempDir::new().expect("a directory"), variables: Vec::new() }
    }

    /// An installation for development: the shipped policies, a free port, and Prelude's side on this machine.
    pub(crate) fn with(prelude: &Prelude) -> Self {
        let site = Self::bare()
            .set("mode", "development")
            .set("server.bind", "127.0.0.1:0")
            .set("server.workers", "1")
            .set("prelude.app_id", "test")
            .set("policies.dir", SHIPPED_POLICIES);
        prelude.settings().into_iter().fold(site, |site, (key, value)| site.set(key, &value))
    }

    /// Sets an option by its variable: `server.bind` is `DOORSTEP__SERVER__BIND`.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        let is_secret = SECRETS.iter().any(|end| key.ends_with(end));
        // What is no key at all may be too short to be recognised; tests of that look for themselves.
        if is_secret && value.len() > 12 {
            leaks::plant("a secret setting", value);
        }
        let name = format!("DOORSTEP__{}", key.to_uppercase().replace('.', "__"));
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Sets a variable that is no option's.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file in the directory, with the directories above it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        std::fs::write(path, text).expect("written");
    }

    /// The names of what lies in the directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        names_in(self.directory.path())
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        self.start_command(Command::new(DOORSTEP).args(arguments))
    }

    /// Runs a line of shell in which `$0` is `doorstep`.
    pub(crate) fn run_in_shell(&self, line: &str) -> Ended {
        self.start_command(Command::new("/bin/sh").args(["-c", line, DOORSTEP])).end()
    }

    fn start_command(&self, command: &mut Command) -> Process {
        command.current_dir(self.directory.path()).env_clear().env("TMPDIR", self.directory.path());
        Process::start(command.envs(self.variables.iter().map(|(name, value)| (name, value))))
    }

    /// Starts a server and waits until it takes calls.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same, with flags.
    pub(crate) fn serve_with(&self, flags: &[&str]) -> Server {
        let mut process = self.start(&[&["serve"], flags].concat());
        let line = process.until_it_says("Doorstep takes calls.");
        let mut addresses = line.split("127.0.0.1:").skip(1).map(|rest| {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            format!("127.0.0.1:{port}")
        });
        let (address, private_address) = (addresses.next().expect("its address"), addresses.next());
        Server { process, address, private_address }
    }

    /// Makes an API key that may do the one-call mint, and returns what a caller presents.
    pub(crate) fn backend_key(&self) -> String {
        let roles = "--role opener --role approver --approves-as backend --role minter".split(' ');
        let arguments: Vec<_> = ["api-key", "create", "--name", "backend"].into_iter().chain(roles).collect();
        let key = self.run(&arguments).expect(0).stdout.trim_end().to_owned();
        leaks::plant("an API key", &key);
        key
    }
}

/// The names of what lies in a directory, sorted.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A server that takes calls.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Where it listens, such as `127.0.0.1:41233`.
    pub(crate) address: String,
    /// Where it listens for the customer's own systems, if that is somewhere else.
    pub(crate) private_address: Option<String>,
}

impl Server {
    /// Stops it in order.
    pub(crate) fn stop(self) -> Ended {
        self.process.signal("TERM");
        self.process.end().expect(0)
    }
}
