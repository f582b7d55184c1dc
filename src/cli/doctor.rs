//! `doorstep doctor`: one line for each thing that a start needs, and what to do about it.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::arguments::{DoctorOptions, Format, Shared};
use super::{Exit, output};
use crate::boot::{Health, Sources, checkup};
use crate::config::{ConfigFaults, Settings, environment, load};

/// What the first line is about.
const CONFIGURATION: &str = "configuration";

/// How long the server may take to show that it is alive.
const LIVE_DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn run(shared: Shared, options: DoctorOptions) -> Exit {
    let format = shared.format;
    let settings = match load(shared.load_request(environment())) {
        Ok(settings) => settings,
        Err(faults) => return refuse(&faults, format),
    };
    if options.live {
        return live(&settings);
    }
    let findings = checkup(&settings, &Sources::real()).await;
    let mode = format!("{} mode", settings.mode.as_str());
    match format {
        Format::Json => {
            let configuration = as_json(word(Health::Fine), CONFIGURATION, &mode);
            let findings =
                findings.iter().map(|finding| as_json(word(finding.health), finding.subject, &finding.words));
            let all = std::iter::once(configuration).chain(findings);
            output::say(&serde_json::Value::from_iter(all).to_string());
        }
        Format::Human => {
            let line =
                |health, subject, words: &str| output::say(&format!("{health:<9} {subject:<17} {words}"));
            line(word(Health::Fine), CONFIGURATION, &mode);
            findings.iter().for_each(|finding| line(word(finding.health), finding.subject, &finding.words));
        }
    }
    if findings.iter().any(|finding| finding.health == Health::Broken) { Exit::Failed } else { Exit::Fine }
}

/// Tells of settings that are no settings: the rest could only be looked at with them.
fn refuse(faults: &ConfigFaults, format: Format) -> Exit {
    const WORDS: &str = "refused; nothing else was looked at";
    let broken = word(Health::Broken);
    match format {
        Format::Json => {
            let finding = serde_json::json!([{
                "health": broken, "subject": CONFIGURATION, "words": WORDS, "faults": faults.faults(),
            }]);
            output::say(&finding.to_string());
        }
        Format::Human => output::complain(&format!("{broken:<9} {CONFIGURATION:<17} {WORDS}\n\n{faults}")),
    }
    Exit::Usage
}

fn as_json(health: &str, subject: &str, words: &str) -> serde_json::Value {
    serde_json::json!({ "health": health, "subject": subject, "words": words })
}

const fn word(health: Health) -> &'static str {
    match health {
        Health::Fine => "fine",
        Health::Doubtful => "doubtful",
        Health::Broken => "broken",
    }
}

/// Asks the server on this machine whether it is alive: a container's health check needs no other program for it.
fn live(settings: &Settings) -> Exit {
    match ask(reachable(settings.server.bind)) {
        Ok(true) => Exit::Fine,
        Ok(false) => {
            output::complain("The server answered, but not that it is alive.");
            Exit::Failed
        }
        Err(error) => {
            output::complain(&format!("The server at {} does not answer: {error}.", settings.server.bind));
            Exit::Failed
        }
    }
}

fn ask(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, LIVE_DEADLINE)?;
    stream.set_read_timeout(Some(LIVE_DEADLINE))?;
    stream.set_write_timeout(Some(LIVE_DEADLINE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"HTTP/1.1 200")
}

/// A server that listens on every address is asked over loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
