//! What is wrong with an entry by itself, and with settings taken together.

mod faces;

use std::path::PathBuf;

use super::callbacks;
use super::fault::{Code, Fault};
use super::layers::Merged;
use super::option::{Absent, AnyOption, Opt};
use super::options::{self, SECTIONS};
use super::settings::key_terms;
use super::shape::{Secret, Text, Written, Wrong};
use super::source::{Entry, variable};
use super::suggest;
use super::values::{Events, HttpUrl, Mode};
use crate::domain::PRELUDE_KEEPS_KEY_SET;

/// Tells what is wrong with one entry, wherever it stands among the layers.
pub(super) fn check(entry: &Entry) -> Option<Fault> {
    if let Some(wrong) = callbacks::misnamed(&entry.key) {
        return Some(Fault::at(&entry.key, &entry.key_at, wrong));
    }
    if let Some(option) = options::find(&entry.key) {
        return option.check(entry);
    }
    let provider = entry.key.strip_prefix("callbacks.").filter(|rest| !rest.contains('.'));
    if provider.is_some() && entry.written == Some(Written::Section) {
        let wrong = Wrong::new(
            Code::Missing,
            "has nothing in it",
            "give it a scheme, a secret and steps, or remove it",
        );
        return Some(Fault::at(&entry.key, &entry.key_at, wrong));
    }
    let is_section = provider.is_some()
        || *entry.key == *"callbacks"
        || SECTIONS.iter().any(|(section, _)| *section == &*entry.key);
    match entry.written {
        Some(Written::Section) if is_section => None,
        Some(_) if is_section => Some(not_a_value(entry)),
        _ => Some(not_a_section(entry).unwrap_or_else(|| unknown(entry))),
    }
}

fn not_a_value(entry: &Entry) -> Fault {
    let help = format!("write [{}] on a line of its own and its options below", entry.key);
    Fault::at(&entry.key, &entry.value_at, Wrong::of_type("is a section, not a value", &help))
}

fn not_a_section(entry: &Entry) -> Option<Fault> {
    let below = |option: &&dyn AnyOption| {
        entry.key.strip_prefix(option.key()).is_some_and(|rest| rest.starts_with('.'))
    };
    let option = options::all().find(below)?;
    let message = format!("stands below {}, which is a value, not a section", option.key());
    let wrong = Wrong::of_type(&message, &format!("expected: {}", option.describe()));
    Some(Fault::at(&entry.key, &entry.key_at, wrong))
}

fn unknown(entry: &Entry) -> Fault {
    let general = options::callbacks::general(&entry.key);
    let nearest = suggest::nearest(general.as_deref().unwrap_or(&entry.key));
    let name =
        options::callbacks::split(&entry.key).map_or(options::callbacks::PLACEHOLDER, |(name, _)| name);
    let help = match nearest.map(|key| options::callbacks::key_of(key, name)) {
        Some(key) if entry.is_from_environment() => format!("did you mean {}?", variable(&key)),
        Some(key) => format!("did you mean {key}?"),
        None => "remove it; docs/CONFIGURATION.md lists every option".to_owned(),
    };
    Fault::at(&entry.key, &entry.key_at, Wrong::new(Code::UnknownKey, "is not an option", help))
}

/// Tells which options must be set and are not.
pub(super) fn missing(merged: &Merged) -> Vec<Fault> {
    let needed = |option: &&dyn AnyOption| {
        !matches!(option.absent(), Absent::Otherwise { .. }) && merged.winner(option.key()).is_none()
    };
    let fault = |option: &dyn AnyOption| Fault {
        code: Code::Missing,
        key: option.key().into(),
        place: None,
        message: "must be set".into(),
        help: format!("set {} in your file, or {}", option.key(), variable(option.key())).into(),
    };
    options::all().filter(needed).map(fault).collect()
}

/// Tells which values exclude each other.
pub(super) fn together(merged: &Merged) -> Vec<Fault> {
    let plain_http = [
        &options::KEY_SET_URL,
        &options::STEP_UP_KEY_SET_URL,
        &options::prelude::PUBLIC_URL,
        &options::prelude::MANAGEMENT_URL,
    ];
    let mut faults: Vec<_> =
        plain_http.into_iter().filter_map(|option| plain_http_in(merged, option)).collect();
    faults.extend(given_twice(merged, &options::ENCRYPTION_KEY, &options::ENCRYPTION_KEY_FILE));
    faults.extend(given_twice(merged, &options::PREVIOUS_KEY, &options::PREVIOUS_KEY_FILE));
    faults.extend(given_twice(
        merged,
        &options::prelude::VERIFICATION_TOKEN,
        &options::prelude::VERIFICATION_TOKEN_FILE,
    ));
    faults.extend(given_twice(
        merged,
        &options::prelude::MANAGEMENT_KEY,
        &options::prelude::MANAGEMENT_KEY_FILE,
    ));
    faults.extend(events_without_token(merged));
    faults.extend(given_twice(merged, &options::store::PASSWORD, &options::store::PASSWORD_FILE));
    faults.extend(faces::faults(merged));
    faults.extend(short_silence(merged));
    faults.extend(given_twice(merged, &options::store::CARE_PASSWORD, &options::store::CARE_PASSWORD_FILE));
    faults.extend(given_twice(merged, &options::tracing::HEADERS, &options::tracing::HEADERS_FILE));
    faults.extend(care_of_a_file(merged));
    faults.extend(short_cache(merged));
    faults.extend(short_interval(merged));
    faults.extend(spent_too_short(merged));
    faults
}

/// Without the token nobody could activate the webhook, and whoever does must be Prelude.
fn events_without_token(merged: &Merged) -> Option<Fault> {
    let option = &options::prelude::EVENTS;
    let (token, file) =
        (options::prelude::VERIFICATION_TOKEN.key, options::prelude::VERIFICATION_TOKEN_FILE.key);
    let is_bare = [token, file].into_iter().all(|key| merged.winner(key).is_none());
    let refused = merged.get(option)? == Events::On && is_bare;
    let entry = merged.winner(option.key).filter(|_| refused)?;
    let help = format!("set {} in the environment, or name a file in {file}", variable(token));
    let wrong = Wrong::new(Code::Missing, "is on, and there is no verification token", help);
    Some(Fault::at(option.key, &entry.value_at, wrong))
}

/// A file has no roles, and one process must not write to it over two connections.
fn care_of_a_file(merged: &Merged) -> Option<Fault> {
    let option = &options::store::CARE_URL;
    let is_file = merged.get(&options::store::URL)?.file().is_some();
    let entry = merged.winner(option.key).filter(|_| is_file)?;
    let wrong = Wrong::impossible(
        "names a second role, which SQLite has not",
        "remove it, or give store.url a PostgreSQL database",
    );
    Some(Fault::at(option.key, &entry.value_at, wrong))
}

/// An idle connection is closed in order, not cut.
fn short_silence(merged: &Merged) -> Option<Fault> {
    let (silence, keep_alive) = (&options::server::SILENCE_DEADLINE, &options::server::KEEP_ALIVE);
    let is_short = merged.get(silence)? <= merged.get(keep_alive)?;
    let entry = merged.winner(silence.key).filter(|_| is_short)?;
    let wrong = Wrong::impossible(
        "is not longer than server.keep_alive: idle connections would be cut",
        "make it longer, or leave it out",
    );
    Some(Fault::at(silence.key, &entry.value_at, wrong))
}

/// What was spent must not look unspent.
fn spent_too_short(merged: &Merged) -> Option<Fault> {
    let (spent, decisions) = (&options::retention::REDEMPTIONS, &options::retention::DECISIONS);
    let (kept, wanted) = (merged.get(spent)?, merged.get(decisions)?);
    let entry = merged.winner(spent.key).filter(|_| kept != kept.or_longer(wanted))?;
    let wrong = Wrong::impossible(
        "is shorter than retention.decisions: what was spent would look unspent",
        &format!("write \"{wanted}\" or more"),
    );
    Some(Fault::at(spent.key, &entry.value_at, wrong))
}

/// What Prelude keeps ten minutes may be taken for shorter only where nobody loses by it.
fn short_cache(merged: &Merged) -> Option<Fault> {
    let option = &options::JWKS_CACHE;
    let short = merged.get(option)? < PRELUDE_KEEPS_KEY_SET;
    let refused = merged.get(&options::MODE)? == Mode::Production && short;
    let entry = merged.winner(option.key).filter(|_| refused)?;
    let wrong = Wrong::new(
        Code::DevelopmentOnly,
        "is shorter than Prelude keeps the key set, which only development mode may assume",
        "write \"10m\" or more, or set mode to development (--dev)",
    );
    Some(Fault::at(option.key, &entry.value_at, wrong))
}

/// A key that has not begun to sign has no successor yet.
fn short_interval(merged: &Merged) -> Option<Fault> {
    let terms = key_terms(merged).filter(|terms| terms.rotate_every < terms.lead())?;
    let option = &options::ROTATE_EVERY;
    let entry = merged.winner(option.key)?;
    let wrong = Wrong::impossible(
        "is shorter than a new key stands in the key set before it signs",
        &format!("write \"{}s\" or more", terms.lead().as_millis().div_ceil(1000)),
    );
    Some(Fault::at(option.key, &entry.value_at, wrong))
}

fn plain_http_in(merged: &Merged, option: &Opt<Text<HttpUrl>>) -> Option<Fault> {
    let refused = merged.get(&options::MODE)? == Mode::Production && merged.get(option)?.is_plain();
    let entry = merged.winner(option.key).filter(|_| refused)?;
    let wrong = Wrong::new(
        Code::DevelopmentOnly,
        "is plain http, which only development mode may use",
        "use https, or set mode to development (--dev)",
    );
    Some(Fault::at(option.key, &entry.value_at, wrong))
}

fn given_twice<T>(merged: &Merged, key: &Opt<Secret<T>>, file: &Opt<Text<PathBuf>>) -> Option<Fault> {
    let key = merged.winner(key.key)?;
    let file = merged.winner(file.key)?;
    let message = format!("is given and so is {} ({})", file.key, file.value_at);
    Some(Fault::at(&key.key, &key.key_at, Wrong::new(Code::BothGiven, message, "keep one of the two")))
}
