//! What a server holds while its database hangs, told by the kernel: a process of its own.

use std::process::{Child, Command, Stdio};

use doorstep::testing::{Mode, Prelude, SignedCall, Style};
use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;

use crate::postgres::Database;
use crate::site::until;

/// How many callers at once, of whom few can wait.
const CALLERS: usize = 100;
const QUEUE: usize = 16;
/// Calls until the server has all the memory that it needs for refusing, and calls that must not need more.
const WARM_UP: usize = 2_000;
const CALLS: usize = 4_000;
/// Half a kibibyte a call.
const GROWTH_MAX_KIB: u64 = 2_048;

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// `doorstep serve` with its record at `url`, listening at `address`.
    fn serve(directory: &TempDir, prelude: &Prelude, (url, address): (&str, &str)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.args(["serve", "--dev"]).env_clear().current_dir(directory.path());
        for (key, value) in prelude.settings() {
            command.env(format!("DOORSTEP__{}", key.to_uppercase().replace('.', "__")), value);
        }
        command
            .env("DOORSTEP__SERVER__BIND", address)
            .env("DOORSTEP__SERVER__WORKERS", "1")
            .env("DOORSTEP__PRELUDE__APP_ID", "test")
            .env("DOORSTEP__POLICIES__DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/policies"))
            .env("DOORSTEP__STORE__URL", url)
            .env("DOORSTEP__STORE__QUEUE_MAX", QUEUE.to_string())
            .env("DOORSTEP__STORE__BATCH_MAX", "4")
            .env("DOORSTEP__KEYS__ENCRYPTION_KEY", "ab".repeat(32));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("doorstep starts"))
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let database = Database::shared().await;
    let proxy = database.proxy().await;
    let directory = TempDir::new().expect("a directory");
    let prelude = Prelude::start(None).await.expect("Prelude's side starts");
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let address = free.expect("a free port").to_string();
    let server = Process::serve(&directory, &prelude, (&database.url_by(&proxy), &address));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ready = async || {
        let asked = client.get(format!("http://{address}/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status() == 200).then_some(())
    };
    until("ready", ready).await;
    let calls: Vec<_> = (0..CALLERS).map(|number| call(&prelude, number)).collect();
    proxy.set(Mode::Stall);
    let send = async |call: &SignedCall| {
        let request = client.post(format!("http://{address}/hooks/stepup")).body(call.body.clone());
        let request = call.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        assert_eq!(request.send().await.expect("an answer").status(), 503);
    };
    // Who waits, waits for two seconds; all others are refused at once.
    let (waiting, refused) = calls.split_at(QUEUE * 2);
    let waits = join_all(waiting.iter().map(async |call| {
        loop {
            send(call).await;
        }
    }));
    let refuse = async |times: usize| {
        let each = refused.iter().map(async |call| {
            for _ in 0..times / refused.len() {
                send(call).await;
            }
        });
        join_all(each).await;
    };
    let refusals = async {
        refuse(WARM_UP).await;
        let before = server.resident_kib();
        refuse(CALLS).await;
        (before, server.resident_kib())
    };
    let (before, after) = tokio::select! {
        _ = waits => panic!("they wait for ever"),
        memory = refusals => memory,
    };
    assert!(after <= before + GROWTH_MAX_KIB, "{before} KiB before and {after} KiB after {CALLS} refusals");
    proxy.set(Mode::Pass);
    until("ready again", ready).await;
}

fn call(prelude: &Prelude, number: usize) -> SignedCall {
    let body = json!({
        "scope_requested": "transfer:write",
        "user_id": format!("usr_{number}"),
        "identifiers": [{"type": "phone_number", "value": "+33612345678"}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": "20", "currency": "USD", "payee": "DE89370400440532013000"},
    });
    prelude.sign(&body, Style::Usual).expect("signs")
}
