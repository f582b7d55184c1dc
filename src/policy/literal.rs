//! Texts of a policy file that mean a value: decimals, money, durations, patterns, names.

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use super::diagnostic::{Code, Span};
use super::reader::Reader;
use super::yaml::Node;
use crate::domain::{Amount, Currency, IdFault, Seconds};

/// The most characters of a regular expression.
const PATTERN_CHARS_MAX: usize = 256;
/// The most bytes of a compiled regular expression: bounds what one text costs.
const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// The deepest nesting inside a regular expression.
const PATTERN_DEPTH_MAX: u32 = 32;

/// A regular expression that the whole value must fit, in time linear in the value's length.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: Box<str>,
    whole: Regex,
}

impl Pattern {
    /// Whether the whole text fits.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

/// Two patterns are the same when they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// A part to be found anywhere in a text: how to look for it is found out once.
#[derive(Debug, Clone)]
pub(crate) struct Needle(Box<Finder<'static>>);

impl Needle {
    /// Takes the part.
    pub(crate) fn new(part: &str) -> Self {
        Self(Box::new(Finder::new(part).into_owned()))
    }

    /// Whether the part stands somewhere in the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.0.find(text.as_bytes()).is_some()
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.0.needle() == other.0.needle()
    }
}

/// Reads a plain decimal such as `10` or `0.05`.
pub(crate) fn amount(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Amount> {
    let text = reader.text(node, what)?;
    match Amount::parse(text) {
        Ok(amount) => Some(amount),
        Err(fault) => {
            let help =
                "write plain digits such as `10` or `0.05`: no sign, exponent, separator or leading zero";
            reader.fault(Code::BadLiteral, node.span, format!("{what} is {fault}"), help);
            None
        }
    }
}

/// Reads an amount with its currency, such as `10000 USD`.
pub(crate) fn money(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<(Amount, Currency)> {
    let text = reader.text(node, what)?;
    let parsed = text
        .split_once(' ')
        .and_then(|(amount, currency)| Some((Amount::parse(amount).ok()?, Currency::parse(currency)?)));
    if parsed.is_none() {
        let help = "write a plain decimal, one blank and three capitals: `10000 USD`, `0.50 EUR`";
        reader.fault(Code::BadLiteral, node.span, format!("{what} is not money"), help);
    }
    parsed
}

/// Reads a whole number from `lowest` to `highest`.
pub(crate) fn whole(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    (lowest, highest): (u32, u32),
) -> Option<u32> {
    let text = reader.text(node, what)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let help = format!("write a whole number from {lowest} to {highest}");
    let Some(number) = plain.then(|| text.parse().ok()).flatten() else {
        reader.fault(Code::BadLiteral, node.span, format!("{what} is not a whole number"), help);
        return None;
    };
    if (lowest..=highest).contains(&number) {
        return Some(number);
    }
    reader.fault(Code::OutOfRange, node.span, format!("{what} is out of range"), help);
    None
}

/// Reads a duration such as `90s`, `5m`, `24h` or `1d`, within Prelude's bounds and at most `longest` seconds.
pub(crate) fn seconds(reader: &mut Reader<'_>, node: &Node, what: &str, longest: u32) -> Option<Seconds> {
    let text = reader.text(node, what)?;
    let help = "write a whole number with its unit: `90s`, `5m`, `24h`, `1d`";
    let Some(total) = duration(text) else {
        reader.fault(Code::BadLiteral, node.span, format!("{what} is not a duration"), help);
        return None;
    };
    let fits = u32::try_from(total).ok().and_then(Seconds::new).filter(|seconds| seconds.get() <= longest);
    if fits.is_none() {
        let message = format!("{what} is out of range");
        let help = format!("{what} must be from 1s to {}", shown_duration(longest));
        reader.fault(Code::OutOfRange, node.span, message, help);
    }
    fits
}

/// Reads a duration as [`seconds`] does, from `lowest` to `highest` seconds: one that is none of Prelude's.
pub(crate) fn span(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    (lowest, highest): (u32, u32),
) -> Option<u32> {
    let text = reader.text(node, what)?;
    let help = format!("write it from {} to {}", shown_duration(lowest), shown_duration(highest));
    let Some(total) = duration(text) else {
        let message = format!("{what} is not a duration");
        reader.fault(Code::BadLiteral, node.span, message, "write a whole number with its unit: `4h`, `3d`");
        return None;
    };
    let fits = u32::try_from(total).ok().filter(|total| (lowest..=highest).contains(total));
    if fits.is_none() {
        reader.fault(Code::OutOfRange, node.span, format!("{what} is out of range"), help);
    }
    fits
}

fn duration(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if !plain {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// A duration in the unit that shows it whole: `5m` rather than `300s`.
pub(crate) fn shown_duration(seconds: u32) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let fitting = units.into_iter().find(|(factor, _)| seconds.is_multiple_of(*factor));
    fitting.map_or_else(|| format!("{seconds}s"), |(factor, unit)| format!("{}{unit}", seconds / factor))
}

/// Reads a regular expression that a whole value must fit.
pub(crate) fn pattern(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Pattern> {
    let text = reader.text(node, what)?;
    if text.chars().count() > PATTERN_CHARS_MAX {
        let message = format!("{what} has more than {PATTERN_CHARS_MAX} characters");
        reader.fault(Code::Limit, node.span, message, "say it with `one_of`, `in` or several conditions");
        return None;
    }
    // A stray `)` could close the group that ties the expression to both ends, so it must be sound by itself first.
    let built = build(text).and_then(|_| build(&format!(r"\A(?:{text})\z")));
    match built {
        Ok(whole) => Some(Pattern { source: text.into(), whole }),
        Err(error) => {
            let message = format!("{what} is not a regular expression: {}", one_line(&error));
            let help = "use the syntax of Rust's `regex`; it always fits the whole value and knows no look-around \
                        or back-reference";
            reader.fault(Code::BadLiteral, node.span, message, help);
            None
        }
    }
}

fn build(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .nest_limit(PATTERN_DEPTH_MAX)
        .build()
}

/// The regex crate draws its own source lines; its last line alone says what is wrong.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

/// Reads a name with its checking constructor.
pub(crate) fn name<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    new: fn(&str) -> Result<T, IdFault>,
) -> Option<T> {
    let text = reader.text(node, what)?;
    named(reader, (node.span, text), what, new)
}

/// Reads a name that stands as a key.
pub(crate) fn named<T>(
    reader: &mut Reader<'_>,
    (span, text): (Span, &str),
    what: &str,
    new: fn(&str) -> Result<T, IdFault>,
) -> Option<T> {
    match new(text) {
        Ok(name) => Some(name),
        Err(fault) => {
            reader.fault(Code::BadLiteral, span, format!("{what} {fault}"), "choose another name");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::source::SourceFile;
    use crate::policy::yaml;

    /// Reads `text` as a YAML value and hands it to `read`; the codes of the faults where it says no.
    fn read<T>(text: &str, read: impl Fn(&mut Reader<'_>, &Node) -> Option<T>) -> Result<T, Vec<Code>> {
        let file = SourceFile::new("a.yaml".to_owned(), text.to_owned());
        let node = yaml::parse(&file).expect("plain YAML");
        let mut reader = Reader::new(&file);
        let value = read(&mut reader, &node);
        value.ok_or_else(|| reader.into_findings().iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn durations_have_units_and_preludes_bounds() {
        let check = |text: &str| read(text, |r, n| seconds(r, n, "for", Seconds::MAX)).map(Seconds::get);
        for (text, expected) in [("1s", 1), ("90s", 90), ("5m", 300), ("24h", 86_400), ("1d", 86_400)] {
            assert_eq!(check(text), Ok(expected), "{text}");
        }
        for text in ["0s", "5", "m", "05m", "-1s", "1.5h", "5 m", "5M", "1w", "+1s", "५m"] {
            assert_eq!(check(text), Err(vec![Code::BadLiteral]), "{text}");
        }
        for text in ["2d", "86401s", "99999999999999d"] {
            assert_eq!(check(text), Err(vec![Code::OutOfRange]), "{text}");
        }
        assert_eq!(check("184467440737095516160d"), Err(vec![Code::BadLiteral]));
    }

    #[test]
    fn durations_are_shown_in_their_largest_whole_unit() {
        for (seconds, shown) in [(90, "90s"), (300, "5m"), (7200, "2h"), (86_400, "1d")] {
            assert_eq!(shown_duration(seconds), shown);
        }
    }

    #[test]
    fn money_is_an_amount_a_blank_and_a_currency() {
        let check = |text: &str| read(text, |r, n| money(r, n, "the bound"));
        assert!(check("10000 USD").is_ok());
        assert!(check("0.50 EUR").is_ok());
        for text in ["10000", "USD", "10,000 USD", "1e4 USD", "10 usd", "10  USD", "10USD", "USD 10"] {
            assert_eq!(check(text), Err(vec![Code::BadLiteral]), "{text}");
        }
    }

    #[test]
    fn patterns_fit_whole_values_only() {
        let fits = |source: &str, text: &str| {
            read(&format!("'{source}'"), |r, n| pattern(r, n, "matches")).map(|pattern| pattern.fits(text))
        };
        assert_eq!(fits("[A-Z]{2}", "DE"), Ok(true));
        assert_eq!(fits("[A-Z]{2}", "DEU"), Ok(false));
        assert_eq!(fits("a|bc", "bc"), Ok(true));
        assert_eq!(fits("a|bc", "ac"), Ok(false));
        assert_eq!(fits("(?m)^a$", "b\na"), Ok(false));
        assert_eq!(fits("a", "a\n"), Ok(false));
        for broken in ["(", "a)|(b", "(?=a)", r"(a)\1", "a{1000}{1000}"] {
            assert_eq!(fits(broken, ""), Err(vec![Code::BadLiteral]), "{broken}");
        }
        assert_eq!(fits(&"a".repeat(257), ""), Err(vec![Code::Limit]));
    }
}
