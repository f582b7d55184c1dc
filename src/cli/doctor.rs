//! `doorstep doctor`: one line for each thing that a start needs, and what to do about it.

use super::arguments::{DoctorOptions, Format, Shared};
use super::{Exit, live, output};
use crate::boot::{Finding, Health, Sources, checkup, prelude_side};
use crate::config::{ConfigFaults, ServerSettings, environment, load};
use crate::http::{Standing, certificate_standing};

/// What the first line is about.
const CONFIGURATION: &str = "configuration";
/// How many days before its end a certificate should have been renewed.
const RENEWED_BEFORE_DAYS: u64 = 14;

pub(super) async fn run(shared: Shared, options: DoctorOptions) -> Exit {
    let format = shared.format;
    let settings = match load(shared.load_request(environment())) {
        Ok(settings) => settings,
        Err(faults) => return refuse(&faults, format),
    };
    if options.live {
        return live::run(&settings.server);
    }
    let mut findings = checkup(&settings, &Sources::real()).await;
    findings.extend(certificate(&settings.server, &Sources::real()));
    if options.prelude {
        findings.extend(prelude_side(&settings, &Sources::real()).await);
    }
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

/// The server's own TLS certificate, where it has one.
fn certificate(settings: &ServerSettings, sources: &Sources) -> Option<Finding> {
    let (health, words) = match certificate_standing(settings, sources.clock.now())? {
        Ok(Standing::Good(days)) if days < RENEWED_BEFORE_DAYS => {
            (Health::Doubtful, format!("ends in {days} days: renew it (server.tls_certificate_file)"))
        }
        Ok(Standing::Good(days)) => (Health::Fine, format!("good for {days} days")),
        Ok(Standing::Unread) => (Health::Doubtful, "until when it is good cannot be read".to_owned()),
        Err(error) => (Health::Broken, format!("{error} (server.tls_certificate_file, server.tls_key_file)")),
    };
    Some(Finding::new(health, "certificate", words))
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
