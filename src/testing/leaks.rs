//! What must never leave: values that tests plant in what they send, and the search for them in all that a server says.
//!
//! A value is recognised by its last ten bytes, in whatever dress: as it is, in hexadecimal, in base64 at each of its
//! three offsets, escaped for JSON or an address, or as a list of byte values. Upper and lower case are one.

use std::collections::HashMap;
use std::io::{Result, Write};
use std::sync::{LazyLock, Mutex, Once, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::config::{LogFormat, LogLevel, LogLevels, LogSettings};
use crate::telemetry;

/// By how many bytes a value is recognised. Shorter values are none that anybody would recognise.
const PIECE: usize = 10;

type Piece = [u8; PIECE];

/// What the whole process planted: the end of each dress of each value, and what the value is.
static PLANTED: LazyLock<RwLock<HashMap<Piece, &'static str>>> = LazyLock::new(RwLock::default);
/// What was found where nobody stood by: in log lines.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Remembers a value that must appear in nothing that a server says, for the rest of this process.
///
/// - `what`: what it is, for whoever reads that it leaked, such as `a phone number`.
/// - `value`: of an e-mail address what surrounds its `@` is looked for, of a number its digits.
///
/// # Panics
/// For a value that is too short to be recognised: a test that plants it would show nothing.
pub fn plant(what: &'static str, value: &str) {
    let core = core(value);
    assert!(core.len() >= PIECE, "{what} is too short to be recognised");
    let escaped: String = url::form_urlencoded::byte_serialize(core.as_bytes()).collect();
    let json = serde_json::Value::from(core).to_string();
    let json = json.trim_matches('"').to_owned();
    let texts = [core.to_owned(), escaped, json];
    remember(what, texts.into_iter().chain(dresses(core.as_bytes())));
}

/// The same for bytes, which nobody would write as text.
pub fn plant_bytes(what: &'static str, value: &[u8]) {
    assert!(value.len() >= PIECE, "{what} is too short to be recognised");
    remember(what, dresses(value).into_iter());
}

/// Remembers a token of three parts by its claims and its signature; its header is everybody's.
pub fn plant_token(what: &'static str, token: &str) {
    for part in token.split('.').skip(1).filter(|part| part.len() >= PIECE) {
        plant(what, part);
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(part) {
            remember(what, dresses(&bytes).into_iter());
        }
    }
}

/// Remembers what a hook call says of a person, and its signature.
pub(super) fn plant_call(headers: &[(String, String)], body: &serde_json::Value) {
    for (_, value) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-webhook-signature")) {
        let signature = value.rsplit_once('=').filter(|(_, end)| !end.is_empty());
        let signature = signature.map_or(value.as_str(), |(_, signature)| signature).trim_end_matches('=');
        plant("a signature", signature);
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) {
            plant_bytes("a signature", &bytes);
        }
    }
    let identifiers = body
        .get("identifiers")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("value"));
    let signals =
        ["user_agent", "ip"].into_iter().filter_map(|name| body.pointer(&format!("/signals/{name}")));
    let metadata =
        body.get("metadata").and_then(serde_json::Value::as_object).into_iter().flat_map(|map| map.values());
    for text in identifiers.chain(signals).chain(metadata).filter_map(serde_json::Value::as_str) {
        if core(text).len() >= PIECE {
            plant("personal data of a call", text);
        }
    }
}

/// What stands in a text although it was planted; `None` is what a test wants.
#[must_use]
pub fn leak_in(text: &str) -> Option<&'static str> {
    let planted = PLANTED.read().unwrap_or_else(PoisonError::into_inner);
    let text = text.to_ascii_lowercase();
    let piece = |window: &[u8]| Piece::try_from(window).ok();
    text.as_bytes().windows(PIECE).find_map(|window| planted.get(&piece(window)?).copied())
}

/// Fails if something that was planted stands in a text.
///
/// - `place`: what the text is.
///
/// # Panics
/// When it does.
pub fn expect_none(place: &str, text: &str) {
    if let Some(what) = leak_in(text) {
        complain(&format!("{what} is in {place}:\n{text}"));
    }
}

/// Looks at an answer: a refusal and the metrics must hold nothing that was planted; a token that was made is planted.
///
/// # Panics
/// When one does.
pub fn look_at_answer(status: u16, text: &str) {
    if status >= 400 || text.ends_with("# EOF\n") {
        expect_none("an answer", text);
    }
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(token) = body.get("verification_token").and_then(serde_json::Value::as_str) {
        plant_token("a verification token", token);
    }
}

/// Fails if a log line of this process, or what was told of elsewhere, held something that was planted before.
///
/// # Panics
/// When one did.
pub fn expect_none_so_far() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if !found.is_empty() {
        complain(&found.join("\n"));
    }
}

#[expect(clippy::panic, reason = "a test that leaks fails")]
fn complain(words: &str) {
    // A test that fails already says why.
    if !std::thread::panicking() {
        panic!("it leaked: {words}");
    }
}

/// From now on every log line of this process is looked through, at the most talkative level.
pub(super) fn watch_log_lines() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let levels = LogLevels { base: LogLevel::Trace, rooms: Vec::new() };
        telemetry::install_to(&LogSettings { levels, format: LogFormat::Json }, || Lines);
    });
}

/// Stands with a server: when it goes, its log must have been clean.
pub(super) struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        expect_none_so_far();
    }
}

/// Takes log lines, one at each write.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if let Some(what) = leak_in(&line) {
            let told = format!("{what} is in a log line: {line}");
            FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The part of a value whose end tells it from others: many addresses end alike.
fn core(value: &str) -> &str {
    let digits = value.strip_prefix('+').unwrap_or(value);
    let end = digits.find('@').and_then(|at| digits.get(..at + PIECE / 2));
    end.unwrap_or(digits)
}

/// How bytes are written by those who do not mean to show them.
fn dresses(bytes: &[u8]) -> Vec<String> {
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let listed: Vec<_> = bytes.iter().map(ToString::to_string).collect();
    let mut dresses = vec![hexadecimal, listed.join(", "), listed.join(",")];
    for before in ["", " ", "  "] {
        let shifted = [before.as_bytes(), bytes].concat();
        // What follows the value changes the last character unless the value ends with a group of three bytes.
        let whole = shifted.len() / 3 * 3;
        let whole = shifted.get(..whole).unwrap_or_default();
        dresses.extend([STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)]);
    }
    dresses
}

fn remember(what: &'static str, texts: impl Iterator<Item = String>) {
    let mut planted = PLANTED.write().unwrap_or_else(PoisonError::into_inner);
    for text in texts {
        let text = text.to_ascii_lowercase();
        if let Some(piece) = text.as_bytes().last_chunk::<PIECE>() {
            planted.insert(*piece, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect_found(what: &'static str, texts: &[&str]) {
        for text in texts {
            assert_eq!(leak_in(&format!("{{\"said\":\"{text}\",\"n\":1}}")), Some(what), "{text}");
        }
    }

    #[test]
    fn a_value_is_found_in_every_dress() {
        plant("a phone", "+33698701234");
        expect_found("a phone", &["+33698701234", "33698701234", "%2B33698701234", "0033698701234"]);
        expect_found("a phone", &["2b3333363938373031323334", "[51, 54, 57, 56, 55, 48, 49, 50, 51, 52]"]);
        plant("an address", "leaky.person@leak.example");
        expect_found(
            "an address",
            &["leaky.person@leak.example", "LEAKY.PERSON@LEAK.EXAMPLE", "person%40leak.example"],
        );
        plant("a secret", "s3cret/with\"quotes\"+s");
        expect_found("a secret", &["s3cret/with\\\"quotes\\\"+s", "s3cret%2Fwith%22quotes%22%2Bs"]);
    }

    #[test]
    fn a_value_is_found_in_base64_wherever_it_stands() {
        plant("a password", "correct-horse-battery");
        for before in ["", "x", "xy", "xyz", "user:"] {
            for after in ["", ";", "; more", "  "] {
                let text = STANDARD_NO_PAD.encode(format!("{before}correct-horse-battery{after}"));
                assert_eq!(leak_in(&text), Some("a password"), "{before}…{after}");
            }
        }
        plant_token("a token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c3JfbGVhayJ9.c2lnbmF0dXJlLW9mLWEtbGVhaw");
        expect_found(
            "a token",
            &["{\\\"sub\\\":\\\"usr_leak\\\"}; eyJzdWIiOiJ1c3JfbGVhayJ9", "c2lnbmF0dXJlLW9mLWEtbGVhaw"],
        );
        plant_bytes("bytes", &[250, 251, 252, 253, 254, 255, 0, 1, 2, 3, 4]);
        expect_found("bytes", &["FAFBFCFDFEFF0001020304", "[250, 251, 252, 253, 254, 255, 0, 1, 2, 3, 4]"]);
    }

    #[test]
    fn what_was_not_planted_is_nothing() {
        plant("an address", "somebody@shared-domain.example");
        for text in ["nobody@shared-domain.example", "shared-domain.example", "some text", ""] {
            assert_eq!(leak_in(text), None, "{text}");
        }
    }
}
