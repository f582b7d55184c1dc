//! Child processes with deadlines: no test hangs, and no process outlives its test.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use doorstep::testing::leaks;

/// The longest that a process may be silent, or take to end. Far more than it takes: the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Asserts the exit code.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr says each of these.
    pub(crate) fn saying(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "stderr does not say \"{part}\":\n{}", self.stderr);
        }
        self
    }
}

/// A process that runs; killed when it is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

impl Process {
    /// Starts a command and listens to what it says.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdout = Lines::of(child.stdout.take().expect("a pipe"));
        let stderr = Lines::of(child.stderr.take().expect("a pipe"));
        Self { child, stdout, stderr }
    }

    /// Waits for the first line on stderr, from here on, that contains `part`.
    pub(crate) fn until_it_says(&mut self, part: &str) -> String {
        let found = self.stderr.find(part);
        found.unwrap_or_else(|| panic!("it never said \"{part}\" but:\n{}", self.stderr.text))
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}");
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let stdout = self.stdout.rest();
        let stderr = self.stderr.rest();
        let code = self.child.wait().expect("it was started here").code();
        leaks::expect_none("what a process says on stderr", &stderr);
        Ended { code, stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        leaks::expect_none("what a process said on stderr", &self.stderr.said());
    }
}

/// One of a process's outputs, read by a thread of its own so that the process never waits for us.
pub(crate) struct Lines {
    arriving: Receiver<String>,
    text: String,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, arriving) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { arriving, text: String::new() }
    }

    /// The next line, or `None` at the end.
    fn next(&mut self, until: Instant) -> Option<String> {
        match self.arriving.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                self.text.push_str(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it takes too long; so far:\n{}", self.text),
        }
    }

    /// The next line that contains `part`, or `None` at the end.
    pub(crate) fn find(&mut self, part: &str) -> Option<String> {
        let until = Instant::now() + DEADLINE;
        loop {
            let line = self.next(until)?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// All that was said, of a process that has ended; what it started may hold the pipe open.
    fn said(&mut self) -> String {
        while let Ok(line) = self.arriving.recv_timeout(Duration::from_secs(1)) {
            self.text.push_str(&line);
        }
        std::mem::take(&mut self.text)
    }

    /// All that is said until it ends.
    pub(crate) fn rest(&mut self) -> String {
        let until = Instant::now() + DEADLINE;
        while self.next(until).is_some() {}
        std::mem::take(&mut self.text)
    }
}
