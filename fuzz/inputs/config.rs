//! Settings: lines `NAME=value` for variables, a line `===`, and below it a settings file.
//!
//! They load or they do not, and no fault repeats a variable's value: it may be a secret.

use doorstep::testing::Configured;
use serde_json::Value;

use super::callbacks;
use super::repository::read;

/// A value that stands in no message by chance.
const CANARY: &str = "hunter2hunter2";
/// Files there may never end, or wait for somebody to write.
const SPECIAL_FILES: [&str; 2] = ["/dev", "/proc"];

/// What fuzzing begins with: the files that come along, and variables for options of every kind.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let [default, production] = ["config/default.toml", "config/production.example.toml"].map(read);
    let variables = [
        "DOORSTEP__MODE=development",
        "DOORSTEP__SERVER__BIND=127.0.0.1:8080",
        "DOORSTEP__SERVER__REQUEST_DEADLINE=4s",
        "DOORSTEP__PRELUDE__APP_ID=acme",
        "DOORSTEP__PRELUDE__KEY_SET_URL=https://example.com/jwks.json",
        "DOORSTEP__STORE__URL=postgres://doorstep@db.internal:5432/doorstep",
        "DOORSTEP__STORE__PASSWORD=hunter2hunter2",
        "DOORSTEP__KEYS__ENCRYPTION_KEY=hunter2hunter2",
        "DOORSTEP_SERVER_BIND=hunter2hunter2",
    ]
    .join("\n");
    let secrets: String =
        callbacks::secrets().iter().map(|(name, secret)| format!("{name}={secret}\n")).collect();
    let providers = callbacks::SETTINGS;
    [("", &*default), (&variables, &production), (&variables, providers), (&secrets, providers)]
        .map(|(variables, file)| format!("{variables}\n===\n{file}").into_bytes())
        .into()
}

/// Panics where something is wrong.
///
/// - returns: what came of it.
pub(crate) fn check(input: &[u8]) -> &'static str {
    let Ok(text) = std::str::from_utf8(input) else { return "no text" };
    if SPECIAL_FILES.iter().any(|special| text.contains(special)) {
        return "special files";
    }
    let (variables, file) = text.split_once("===\n").unwrap_or(("", text));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let is_hidden = !file.contains(CANARY) && variables.iter().all(|(name, _)| !name.contains(CANARY));
    match Configured::load(file, variables) {
        Ok(configured) => {
            drop(configured.providers());
            "loaded"
        }
        Err([told, json]) => {
            assert!(!told.is_empty());
            assert!(!is_hidden || ![&told, &json].iter().any(|text| text.contains(CANARY)), "{told}");
            let faults: Value = serde_json::from_str(&json).expect("faults as JSON");
            let faults = faults["faults"].as_array().expect("a list");
            let says = |fault: &Value, what: &str| fault[what].as_str().is_some_and(|text| !text.is_empty());
            assert!(!faults.is_empty());
            assert!(
                faults.iter().all(|fault| ["code", "message", "help"].iter().all(|what| says(fault, what)))
            );
            "refused"
        }
    }
}
