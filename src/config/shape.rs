//! How an option is written and what it becomes. Nothing is coerced: a text either is a value or a fault.

use std::time::Duration;

use super::fault::Code;
use crate::domain::Kept;

/// What a value is in a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Between quotes.
    String,
    /// A whole number, bare.
    Integer,
    /// A number with a point or an exponent.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A date or time, bare.
    Datetime,
    /// Texts between brackets, none of them empty or with a comma.
    List,
    /// Anything else between brackets.
    Array,
    /// A table.
    Section,
}

impl Written {
    /// With its article, for messages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "a whole number",
            Self::Float => "a number with a point",
            Self::Boolean => "a boolean",
            Self::Datetime => "a date or time",
            Self::List => "a list of strings",
            Self::Array => "an array",
            Self::Section => "a section",
        }
    }
}

/// What is wrong with something, wherever that stands. It never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What kind of fault this is.
    pub(super) code: Code,
    /// Continues the key: `is not a duration`.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

impl Wrong {
    /// Something of a kind of its own.
    pub(super) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    /// The text is no value of the type at all.
    pub(super) fn of_type(message: &str, help: &str) -> Self {
        Self::new(Code::WrongType, message, help)
    }

    /// The text is of the type, but the value cannot be.
    pub(super) fn impossible(message: &str, help: &str) -> Self {
        Self::new(Code::ImpossibleValue, message, help)
    }
}

/// How an option is written and what it becomes.
pub(super) trait Shape {
    /// What it becomes.
    type Value;

    /// What it must be in a settings file.
    fn written(&self) -> Written;

    /// Whether it may be that in a settings file.
    fn takes(&self, written: Written) -> bool {
        written == self.written()
    }

    /// Whether a file writes it without quotes.
    #[cfg(test)]
    fn is_bare(&self) -> bool {
        self.written() != Written::String
    }

    /// Its type, for the reference.
    fn describe(&self) -> String;

    /// Reads a value.
    ///
    /// - `text`: a file's string between its quotes, a file's whole number in plain decimal digits, or a variable's
    ///   or flag's text; not empty.
    ///
    /// # Errors
    /// [`Wrong`], which never quotes the text.
    fn read(&self, text: &str) -> Result<Self::Value, Wrong>;

    /// Whether the value may come from the environment only and is never shown.
    fn is_secret(&self) -> bool {
        false
    }
}

/// A whole number between two bounds, both included.
pub(super) struct Integer {
    /// The smallest.
    pub(super) min: u32,
    /// The largest.
    pub(super) max: u32,
}

impl Shape for Integer {
    type Value = u32;

    fn written(&self) -> Written {
        Written::Integer
    }

    fn describe(&self) -> String {
        format!("whole number, {} to {}", self.min, self.max)
    }

    fn read(&self, text: &str) -> Result<u32, Wrong> {
        let range = format!("write a whole number from {} to {}", self.min, self.max);
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !is_plain_whole(digits) {
            return Err(Wrong::of_type("is not a whole number in plain digits", &range));
        }
        let in_range = text.parse().ok().filter(|number| (self.min..=self.max).contains(number));
        in_range.ok_or_else(|| Wrong::impossible("is out of its range", &range))
    }
}

/// One of a few whole numbers.
pub(super) struct OneOf {
    /// The numbers.
    pub(super) numbers: &'static [u32],
}

impl OneOf {
    fn words(&self) -> String {
        let words: Vec<_> = self.numbers.iter().map(ToString::to_string).collect();
        words.join(" or ")
    }
}

impl Shape for OneOf {
    type Value = u32;

    fn written(&self) -> Written {
        Written::Integer
    }

    fn describe(&self) -> String {
        self.words()
    }

    fn read(&self, text: &str) -> Result<u32, Wrong> {
        let found = text.parse().ok().filter(|number| self.numbers.contains(number));
        let help = format!("write {}", self.words());
        found.ok_or_else(|| Wrong::impossible("is not a number that this option knows", &help))
    }
}

/// A span between two bounds, both included: a whole number and a unit.
pub(super) struct Span {
    /// The shortest, as written.
    pub(super) min: &'static str,
    /// The longest, as written.
    pub(super) max: &'static str,
}

/// How long something is kept: a span of a hundred years at most, or `forever`.
pub(super) struct KeptFor {
    /// The shortest, as written.
    pub(super) min: &'static str,
}

impl Shape for KeptFor {
    type Value = Kept;

    fn written(&self) -> Written {
        Written::String
    }

    fn describe(&self) -> String {
        format!("duration from {} on, or `forever`", self.min)
    }

    fn read(&self, text: &str) -> Result<Kept, Wrong> {
        if text == "forever" {
            return Ok(Kept::Forever);
        }
        let span = Span { min: self.min, max: "36525d" }.read(text);
        span.map(Kept::For)
            .map_err(|wrong| Wrong { help: format!("{}; or \"forever\"", wrong.help), ..wrong })
    }
}

impl Shape for Span {
    type Value = Duration;

    fn written(&self) -> Written {
        Written::String
    }

    fn describe(&self) -> String {
        format!("duration, {} to {}", self.min, self.max)
    }

    fn read(&self, text: &str) -> Result<Duration, Wrong> {
        let help = format!(
            "write a whole number and a unit (ms, s, m, h, d), such as \"90s\"; from {} to {}",
            self.min, self.max
        );
        let wrong = || Wrong::of_type("is not a duration", &help);
        let (digits, millis_per_unit) = split_unit(text).ok_or_else(wrong)?;
        let impossible = || Wrong::impossible("is out of its range", &help);
        let millis = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(millis_per_unit));
        let span = Duration::from_millis(millis.ok_or_else(impossible)?);
        let bound =
            |text| split_unit(text).and_then(|(digits, unit)| Some((digits.parse::<u64>().ok()?, unit)));
        let bound =
            |text| bound(text).map(|(number, unit)| Duration::from_millis(number.saturating_mul(unit)));
        let in_range = bound(self.min) <= Some(span) && Some(span) <= bound(self.max);
        if in_range { Ok(span) } else { Err(impossible()) }
    }
}

/// Splits `90s` into its digits and the unit's milliseconds.
fn split_unit(text: &str) -> Option<(&str, u64)> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    UNITS.into_iter().find_map(|(unit, millis)| {
        let digits = text.strip_suffix(unit)?;
        is_plain_whole(digits).then_some((digits, millis))
    })
}

fn is_plain_whole(text: &str) -> bool {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits && (text == "0" || !text.starts_with('0'))
}

/// One of a few words.
pub(super) struct Choice<T: 'static> {
    /// The words and what they mean.
    pub(super) words: &'static [(&'static str, T)],
}

impl<T: Copy> Shape for Choice<T> {
    type Value = T;

    fn written(&self) -> Written {
        Written::String
    }

    fn describe(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|(word, _)| format!("`{word}`")).collect();
        words.join(" or ")
    }

    fn read(&self, text: &str) -> Result<T, Wrong> {
        let found = self.words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
            Wrong::impossible("is not a word that this option knows", &format!("use {}", words.join(" or ")))
        })
    }
}

/// A text that a function checks.
pub(super) struct Text<T> {
    /// The type's name in the reference.
    pub(super) name: &'static str,
    /// Checks and reads it.
    pub(super) read: fn(&str) -> Result<T, Wrong>,
}

impl<T> Shape for Text<T> {
    type Value = T;

    fn written(&self) -> Written {
        Written::String
    }

    fn describe(&self) -> String {
        self.name.to_owned()
    }

    fn read(&self, text: &str) -> Result<T, Wrong> {
        (self.read)(text)
    }
}

/// A text that is never shown and comes from the environment only.
pub(super) struct Secret<T>(pub(super) Text<T>);

impl<T> Shape for Secret<T> {
    type Value = T;

    fn written(&self) -> Written {
        Written::String
    }

    fn describe(&self) -> String {
        format!("secret: {}", self.0.name)
    }

    fn read(&self, text: &str) -> Result<T, Wrong> {
        (self.0.read)(text)
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// Several texts: an array in a file, commas between them elsewhere.
pub(super) struct List<T> {
    /// What they are, in the reference.
    pub(super) name: &'static str,
    /// Checks and reads one.
    pub(super) read: fn(&str) -> Result<T, Wrong>,
}

/// The most texts in a list.
const LIST_MAX: usize = 64;

impl<T> Shape for List<T> {
    type Value = Vec<T>;

    fn written(&self) -> Written {
        Written::List
    }

    fn describe(&self) -> String {
        format!("list of {}, 1 to {LIST_MAX}; in a variable with commas between them", self.name)
    }

    fn read(&self, text: &str) -> Result<Vec<T>, Wrong> {
        let values: Vec<T> = text.split(',').take(LIST_MAX + 1).map(self.read).collect::<Result<_, _>>()?;
        let wrong = || Wrong::impossible("has too many values", &format!("write at most {LIST_MAX}"));
        if values.len() > LIST_MAX { Err(wrong()) } else { Ok(values) }
    }
}

/// A value of a document, as text: a string, a whole number or a truth value.
pub(super) struct Scalar;

/// The longest value, in bytes.
const SCALAR_BYTES_MAX: usize = 256;

impl Shape for Scalar {
    type Value = Box<str>;

    fn written(&self) -> Written {
        Written::String
    }

    fn takes(&self, written: Written) -> bool {
        matches!(written, Written::String | Written::Integer | Written::Boolean)
    }

    #[cfg(test)]
    fn is_bare(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        "table of JSON pointers and their values: strings, whole numbers, truth values".to_owned()
    }

    fn read(&self, text: &str) -> Result<Box<str>, Wrong> {
        let wrong = || Wrong::impossible("is too long", &format!("write at most {SCALAR_BYTES_MAX} bytes"));
        if text.len() > SCALAR_BYTES_MAX { Err(wrong()) } else { Ok(text.into()) }
    }
}
