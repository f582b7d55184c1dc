//! A server under measure: started by us, on a core of its own where there are two, and never left behind.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::fault::{Fault, Outcome, While as _};

/// How long a server may take until it is ready.
const READY_MAX: Duration = Duration::from_secs(30);
/// How long a server may take to drain and leave.
const STOP_MAX: Duration = Duration::from_secs(20);
/// How long one readiness question may take.
const QUESTION_MAX: Duration = Duration::from_secs(2);
/// The pause between two readiness questions.
const QUESTION_PAUSE: Duration = Duration::from_millis(1);

/// Which cores do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The server has core 0, the driver core 1.
    Apart,
    /// Both share whatever there is.
    Shared,
}

impl Cores {
    /// Puts this process on core 1, if there are two cores and `taskset` to choose with.
    ///
    /// Threads that are started later stay there too.
    pub(crate) fn claim() -> Self {
        let two = std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2);
        let moved = two
            && Command::new("taskset")
                .args(["-a", "-c", "-p", "1"])
                .arg(std::process::id().to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if moved { Self::Apart } else { Self::Shared }
    }

    /// A command for `program` on the server's core.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Self::Apart => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0"]).arg(program);
                command
            }
            Self::Shared => Command::new(program),
        }
    }
}

/// A running server. Dropping it kills and reaps it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    started: Instant,
}

impl Server {
    /// Starts `command`, which must listen at `address`; what it says is appended to `log`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn start(mut command: Command, address: SocketAddr, log: &Path) -> Outcome<Self> {
        let open = || File::options().create(true).append(true).open(log).doing("opening the server's log");
        command.stdin(Stdio::null()).stdout(open()?).stderr(open()?);
        let started = Instant::now();
        let child = command.spawn().doing("starting the server")?;
        Ok(Self { child, address, log: log.to_owned(), started })
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until `GET /readyz` answers 200.
    ///
    /// - returns: how long that took from the start of the process.
    ///
    /// # Errors
    /// When the server ends or is not ready in time; the fault shows the end of its log.
    pub(crate) async fn ready(&mut self) -> Outcome<Duration> {
        let mut last = String::from("no answer");
        while self.started.elapsed() < READY_MAX {
            if let Ok(answer) = tokio::time::timeout(QUESTION_MAX, ask(self.address)).await {
                match answer {
                    Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => return Ok(self.started.elapsed()),
                    Ok(answer) => last = answer,
                    Err(_) => {}
                }
            }
            if let Some(status) = self.child.try_wait().doing("waiting for the server")? {
                return Err(self.fault(&format!("the server ended with {status}")));
            }
            tokio::time::sleep(QUESTION_PAUSE).await;
        }
        Err(self.fault(&format!("the server was not ready within {READY_MAX:?}; it said: {last}")))
    }

    /// Kills the process (SIGKILL) and reaps it.
    ///
    /// # Errors
    /// When it had ended by itself before.
    pub(crate) fn kill(mut self) -> Outcome<()> {
        if let Some(status) = self.child.try_wait().doing("looking for the server")? {
            return Err(self.fault(&format!("the server ended by itself with {status}")));
        }
        self.child.kill().doing("killing the server")?;
        self.child.wait().doing("reaping the server").map(|_| ())
    }

    /// Asks the process to leave (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not leave in time or not with exit code 0.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        Command::new("sh")
            .args(["-c", "kill -TERM \"$0\""])
            .arg(self.pid().to_string())
            .status()
            .doing("asking the server to leave")?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_MAX {
            match self.child.try_wait().doing("waiting for the server")? {
                Some(status) if ExitStatus::success(&status) => return Ok(()),
                Some(status) => return Err(self.fault(&format!("the server left with {status}"))),
                None => tokio::time::sleep(QUESTION_PAUSE).await,
            }
        }
        Err(self.fault(&format!("the server did not leave within {STOP_MAX:?}")))
    }

    /// A fault with the end of the server's log.
    pub(crate) fn fault(&self, what: &str) -> Fault {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n  ");
        Fault::new(format!("{what}\n  {tail}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks once whether the server is ready, and gives the whole answer.
pub(crate) async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: doorstep.bench\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(65_536).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A loopback address that nobody listens at right now.
///
/// # Errors
/// When no port is free.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .doing("looking for a free port")
}
