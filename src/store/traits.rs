//! The column `traits`: who and what a call was about, as one line of text.

use std::fmt::Write;
use std::sync::Arc;

use crate::domain::{Amount, Currency, DecisionRecord, Subject, SubjectKey};

/// Who and what a recorded call was about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Kept {
    /// Each subject with its key.
    pub(super) subjects: Vec<(Subject, SubjectKey)>,
    /// Money by its name.
    pub(super) money: Vec<(Arc<str>, Amount, Currency)>,
}

/// Writes `user=0a1b… ip=… metadata.payee=… money.value=10.00:USD`: no name and no value has a blank or `=`.
pub(super) fn line(record: &DecisionRecord) -> String {
    let mut line = String::with_capacity(64 * (record.subjects.len() + record.money.len()));
    for (subject, key) in &record.subjects {
        push_word(&mut line, subject);
        line.push('=');
        push_hexadecimal(&mut line, key);
        line.push(' ');
    }
    for (name, amount, currency) in &record.money {
        _ = write!(line, "money.{name}={amount}:{currency} ");
    }
    line.pop();
    line
}

/// Reads such a line; `None` for one that was not written here.
pub(super) fn parse(line: &str) -> Option<Kept> {
    let mut kept = Kept::default();
    for item in line.split(' ').filter(|item| !item.is_empty()) {
        let (word, value) = item.split_once('=')?;
        if let Some(name) = word.strip_prefix("money.") {
            let (amount, currency) = value.split_once(':')?;
            kept.money.push((name.into(), Amount::parse(amount).ok()?, Currency::parse(currency)?));
        } else {
            kept.subjects.push((subject(word)?, key(value)?));
        }
    }
    Some(kept)
}

/// A subject's word: `user`, `ip`, `identifier` or `metadata.NAME`.
pub(super) fn word(subject: &Subject) -> String {
    let mut word = String::new();
    push_word(&mut word, subject);
    word
}

fn push_word(text: &mut String, subject: &Subject) {
    match subject {
        Subject::User => text.push_str("user"),
        Subject::Ip => text.push_str("ip"),
        Subject::Identifier => text.push_str("identifier"),
        Subject::Metadata(field) => {
            text.push_str("metadata.");
            text.push_str(field);
        }
    }
}

/// A key in hexadecimal.
pub(super) fn hexadecimal(key: &SubjectKey) -> String {
    let mut text = String::with_capacity(key.as_bytes().len() * 2);
    push_hexadecimal(&mut text, key);
    text
}

/// By hand: this is written for every call, and `fmt` costs ten times as much.
fn push_hexadecimal(text: &mut String, key: &SubjectKey) {
    let digit = |half: u8| char::from(half + if half < 10 { b'0' } else { b'a' - 10 });
    for byte in key.as_bytes() {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
}

/// The subject of such a word; `None` for another one.
pub(super) fn subject(word: &str) -> Option<Subject> {
    match word {
        "user" => Some(Subject::User),
        "ip" => Some(Subject::Ip),
        "identifier" => Some(Subject::Identifier),
        _ => word.strip_prefix("metadata.").map(|field| Subject::Metadata(field.into())),
    }
}

fn key(value: &str) -> Option<SubjectKey> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = value
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect();
    bytes.map(SubjectKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::block;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let key = |byte| SubjectKey::new([byte, 0xff, 0]);
        let record = DecisionRecord {
            subjects: vec![
                (Subject::User, key(1)),
                (Subject::Identifier, key(2)),
                (Subject::Identifier, key(3)),
                (Subject::Metadata("a.b:c-d_e".into()), key(4)),
            ],
            money: vec![(
                "value".into(),
                Amount::parse("10.00").expect("an amount"),
                Currency::parse("USD").expect("a currency"),
            )],
            ..block(1)
        };
        let text = line(&record);
        let expected = "user=01ff00 identifier=02ff00 identifier=03ff00 metadata.a.b:c-d_e=04ff00 \
                        money.value=10.00:USD";
        assert_eq!(text, expected);
        let kept = Kept { subjects: record.subjects, money: record.money };
        assert_eq!(parse(&text), Some(kept));
        assert_eq!(parse(""), Some(Kept::default()));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "user",
            "user=0",
            "user=xx",
            "who=01",
            "money.value=10",
            "money.value=1e3:USD",
            "money.value=1:usd",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
