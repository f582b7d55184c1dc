//! The customer's backend of the example, as a process that ends when this one does.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::super::{DemoError, setup};
use super::page::Page;
use super::scenery::{self, Scenery};

/// What the page tells whoever tries it out, where the policy is the demo's own.
const HINT: &str = "Less than 50 passes at once, 10000 and more takes an identity check as well as a code, and \
                    GB33 BUKB 2020 1555 5555 55 gets nothing.";

/// A running backend.
pub(super) struct Backend {
    child: Child,
    /// Its end tells the backend to end. Kept apart: waiting for a child closes what it holds.
    stdin: ChildStdin,
    /// Kept open: a process that cannot print is in trouble.
    _stdout: BufReader<ChildStdout>,
    /// Where it listens, such as `https://localhost:41233`.
    pub(super) address: String,
}

impl Backend {
    /// Starts it on a free port and waits until it listens.
    ///
    /// # Errors
    /// [`DemoError::Setup`]; it does not run then.
    pub(super) async fn start(page: &Page, scenery: &Scenery) -> Result<Self, DemoError> {
        let mut child = command(page, scenery).spawn().map_err(|error| setup(&error))?;
        let stdout = child.stdout.take().ok_or_else(|| setup(&"the backend has no output"))?;
        let stdin = child.stdin.take().ok_or_else(|| setup(&"the backend has no input"))?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).await.map_err(|error| setup(&error))?;
        let address = line.trim_end().to_owned();
        if address.is_empty() {
            return Err(setup(&"the backend did not start; what it said stands above"));
        }
        Ok(Self { child, stdin, _stdout: stdout, address })
    }

    /// Waits until it ends, which it should not do by itself.
    pub(super) async fn ended(&mut self) -> DemoError {
        match self.child.wait().await {
            Ok(status) => DemoError::Setup(format!("the backend ended by itself: {status}")),
            Err(error) => setup(&error),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`DemoError::Setup`] when it did not end as it should.
    pub(super) async fn stop(mut self) -> Result<(), DemoError> {
        drop(self.stdin);
        let status: ExitStatus = self.child.wait().await.map_err(|error| setup(&error))?;
        if status.success() {
            Ok(())
        } else {
            Err(DemoError::Setup(format!("the backend ended badly: {status}")))
        }
    }
}

fn command(page: &Page, scenery: &Scenery) -> Command {
    let mut command = Command::new("node");
    let set = |command: &mut Command, name: &str, path: &Path| {
        command.env(name, path);
    };
    set(&mut command, "PAGE_DIRECTORY", &page.directory);
    set(&mut command, "NODE_EXTRA_CA_CERTS", &scenery.ca_file());
    set(&mut command, "TLS_CERTIFICATE_FILE", &scenery.certificate_file());
    set(&mut command, "TLS_KEY_FILE", &scenery.key_file());
    command
        .arg(&page.server)
        .env("PORT", "0")
        .env("END_WITH_INPUT", "1")
        .env("DOORSTEP_URL", &scenery.doorstep_url)
        .env("DOORSTEP_KEY", &scenery.backend_key)
        .env("DOORSTEP_OFFICER_KEY", &scenery.officer_key)
        .env("PRELUDE_SESSION_DOMAIN", scenery.session_domain())
        .env("PRELUDE_ISSUER", scenery::issuer())
        .env("PAGE_HINT", if scenery.has_own_policy { HINT } else { "" })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
