//! Every command of `docs/TUTORIAL.md` is run, in its order and in one shell, and the page that comes of it is walked.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::process::Process;
use crate::stage::{source, surroundings, visitor};

const TUTORIAL: &str = include_str!("../../docs/TUTORIAL.md");

/// Where the reader opens the page: the commands wait meanwhile.
const OPEN: &str = "Open <https://localhost:8787>";

/// Where Prelude itself takes over: an emulator that knows of nothing yet plays it.
const PRELUDE: &str = "## With Prelude itself";

/// The ports that the page names, and one for the second emulator; the test takes others, which are free.
const PORTS: [&str; 4] = ["8443", "8080", "8787", "8444"];

#[test]
fn the_tutorial_works_as_it_is_written() {
    let directory = TempDir::new().expect("a directory");
    let ports = PORTS.map(|named| (named, free_port()));
    let [(_, prelude), _, (_, page), _] = &ports;
    let mut shell = start(directory.path(), &script(&ports));
    until(&mut shell, "the page is served\n");
    let bank = directory.path().join("bank");
    let authorities = format!("{}{}", text_in(&bank, "ca.pem"), text_in(&bank, "localhost.pem"));
    std::fs::write(bank.join("both.pem"), authorities).expect("written");
    let printed = text_in(&bank, "prelude.txt");
    let code = printed.lines().find_map(|line| line.strip_prefix("code ")).expect("the code").trim();
    let facts = json!({
        "page": format!("https://localhost:{page}"),
        "officer": format!("https://localhost:{page}/officer"),
        "session_domain": format!("localhost:{prelude}"),
        "code": code,
    });
    let mut reader = Command::new("node");
    reader.arg(source("reader.mjs"));
    Process::start(visitor(&mut reader, &facts.to_string(), &bank.join("both.pem"))).end().expect(0);
    std::fs::write(bank.join("walked"), "").expect("written");
    until(&mut shell, "\"verdict\":\"review\"");
    until(&mut shell, "all was run\n");
    shell.end().expect(0);
}

/// The policy that docs/APPS.md shows has no faults, and nothing to be warned of.
#[test]
fn the_policy_for_apps_loads() {
    let shown = include_str!("../../docs/APPS.md").split("\n```yaml\n").nth(1).expect("a policy");
    let directory = TempDir::new().expect("a directory");
    let policy = shown.split("\n```").next().expect("its end");
    std::fs::write(directory.path().join("transfer.yaml"), policy).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(["policy", "check"]).arg(directory.path());
    let ended = Process::start(surroundings(&mut command)).end().expect(0);
    assert_eq!(ended.stderr, "");
}

/// The page's commands, with what the reader does between them.
fn script(ports: &[(&str, String)]) -> String {
    let (laptop, production) = TUTORIAL.split_once(PRELUDE).expect("two parts");
    let (before, after) = laptop.split_once(OPEN).expect("the page is opened");
    // Nothing but the management API's address and who vouches for it tells Prelude and the second emulator apart.
    let second = "export PRELUDE_MANAGEMENT_KEY=key-of-the-account CURL_CA_BUNDLE=prelude.pem\n\
                  export DOORSTEP__PRELUDE__MANAGEMENT_URL=https://localhost:8444 DOORSTEP__PRELUDE__CA_FILE=prelude.pem\n\
                  doorstep emulator --port 8444 --app-id your-app-id --management-key key-of-the-account --ca-out prelude.pem &\n\
                  curl --silent --fail --retry 50 --retry-delay 1 --retry-all-errors --output /dev/null \
                  https://localhost:8444/.well-known/jwks.json\n";
    let script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{}echo 'the page is served'\nuntil [[ -f walked ]]; do sleep 0.2; done\n\
         {}{second}{}doorstep --config production.toml prelude plan\necho\necho 'all was run'\n",
        commands(before),
        commands(after),
        commands(production),
    );
    ports.iter().fold(script, |script, (named, free)| script.replace(named, free))
}

/// What stands in blocks of `sh`.
fn commands(page: &str) -> String {
    let blocks = page.split("\n```sh\n").skip(1);
    blocks.map(|block| format!("{}\n", block.split("\n```").next().unwrap_or_default())).collect()
}

fn start(directory: &Path, script: &str) -> Process {
    let programs = Path::new(env!("CARGO_BIN_EXE_doorstep")).parent().expect("a directory");
    let script = format!("export PATH=\"{}:$PATH\"\n{script}", programs.display());
    let mut command = Command::new("bash");
    surroundings(command.args(["-c", &script]).current_dir(directory));
    Process::start(command.env("EXAMPLES", Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")))
}

fn until(shell: &mut Process, line: &str) {
    if shell.stdout.find(line).is_none() {
        panic!("it ended before \"{line}\", saying:\n{}\n{}", shell.stdout.rest(), shell.stderr.rest());
    }
}

fn text_in(directory: &Path, name: &str) -> String {
    std::fs::read_to_string(directory.join(name)).expect("a file")
}

fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address").port().to_string()
}
