//! Reading operators: which a type has, and what may stand on their right side.

use super::read_money;
use super::{Comparison, Family, Field, Test};
use crate::domain::{Amount, Scope};
use crate::policy::addresses::{AddressSet, RangeFault, parse_range};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::rates::read::ReadRates;
use crate::policy::reader::{Reader, Truth};
use crate::policy::schema::read::possible;
use crate::policy::schema::{MoneyRule, Normalise, TextRule};
use crate::policy::steps::read::PLATFORM_NAMES;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Node};

/// The most entries of a list on the right side of an operator.
const LIST_MAX: usize = 10_000;

pub(super) const NUMBER_OPERATORS: [&str; 6] = ["eq", "lt", "lte", "gt", "gte", "between"];
const TEXT_OPERATORS: [&str; 7] = ["eq", "in", "in_list", "starts_with", "ends_with", "contains", "matches"];

/// The type of a field, with what its literals are checked against.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldType<'n> {
    /// A decimal.
    Decimal,
    /// A whole number.
    Count,
    /// Money in the currencies of the rule, which these rates may convert.
    Money(&'n MoneyRule, &'n ReadRates),
    /// A text, of a metadata field or free.
    Text(Option<&'n TextRule>),
    /// A user agent: a free text, and a family.
    UserAgent,
    /// One of these scopes.
    Scope(&'n [Scope]),
    /// A platform.
    Platform,
    /// An IP address.
    Address,
    /// What has keys instead of operators: identifiers, the time, buckets.
    Keys,
}

/// Whether a field may be absent from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It, or a part of it, may be left out.
    Optional,
    /// It is always there.
    Certain,
}

impl FieldType<'_> {
    /// The operators of the type, for this field.
    pub(super) fn operators(self, field: Field) -> Vec<&'static str> {
        let mut operators: Vec<&'static str> = match self {
            Self::Decimal | Self::Count | Self::Money(..) => NUMBER_OPERATORS.into(),
            Self::Text(_) => TEXT_OPERATORS.into(),
            Self::UserAgent => TEXT_OPERATORS.into_iter().chain(["family"]).collect(),
            Self::Scope(_) => vec!["eq", "in"],
            Self::Platform => vec!["eq", "in", "in_list"],
            Self::Address => vec!["in_cidr", "in_list", "mapped_by"],
            Self::Keys => Vec::new(),
        };
        if field.is_metadata() {
            operators.push("present");
        }
        operators
    }
}

/// Reads one operator of a type that has it.
pub(super) fn test(
    reader: &mut Reader<'_>,
    operator: &Entry,
    kind: FieldType<'_>,
    presence: Presence,
) -> Option<Test> {
    let (key, node) = (&*operator.key, &operator.value);
    if key == "present" {
        return present(reader, operator, presence);
    }
    match kind {
        FieldType::Decimal if key == "between" => decimal_between(reader, node, literal::amount),
        FieldType::Count if key == "between" => decimal_between(reader, node, count),
        FieldType::Decimal => {
            Some(Test::Decimal(comparison(key)?, literal::amount(reader, node, &format!("`{key}`"))?))
        }
        FieldType::Count => Some(Test::Decimal(comparison(key)?, count(reader, node, &format!("`{key}`"))?)),
        FieldType::Money(rule, rates) if key == "between" => read_money::between(reader, node, (rule, rates)),
        FieldType::Money(rule, rates) => read_money::comparison(reader, operator, (rule, rates)),
        FieldType::Address => addresses(reader, node),
        FieldType::UserAgent if key == "family" => family(reader, node),
        FieldType::UserAgent => text(reader, operator, None),
        FieldType::Text(rule) => text(reader, operator, rule),
        FieldType::Scope(scopes) => {
            let known: Vec<_> = scopes.iter().map(Scope::as_str).collect();
            choice(reader, operator, Code::UnknownScope, &known)
        }
        FieldType::Platform => choice(reader, operator, Code::UnknownValue, &PLATFORM_NAMES),
        FieldType::Keys => None,
    }
}

fn present(reader: &mut Reader<'_>, operator: &Entry, presence: Presence) -> Option<Test> {
    let wanted = reader.truth(&operator.value, "`present`")?;
    if presence == Presence::Certain {
        let help = "give the field `optional: true`, or remove this condition";
        reader.fault(Code::AlwaysPresent, operator.key_span, "the field is never left out", help);
        return None;
    }
    Some(Test::Present(wanted == Truth::Yes))
}

/// The comparison that an operator stands for.
pub(super) fn comparison(key: &str) -> Option<Comparison> {
    match key {
        "eq" => Some(Comparison::Equal),
        "lt" => Some(Comparison::Less),
        "lte" => Some(Comparison::AtMost),
        "gt" => Some(Comparison::Greater),
        "gte" => Some(Comparison::AtLeast),
        _ => None,
    }
}

fn count(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Amount> {
    let number = literal::whole(reader, node, what, (0, 1000))?;
    Amount::parse(&number.to_string()).ok()
}

/// Reads `between` of numbers.
pub(super) fn decimal_between(
    reader: &mut Reader<'_>,
    node: &Node,
    read: fn(&mut Reader<'_>, &Node, &str) -> Option<Amount>,
) -> Option<Test> {
    let (low, high) = pair(reader, node)?;
    let (low, high) = (read(reader, low, "`between`"), read(reader, high, "`between`"));
    let (low, high) = (low?, high?);
    in_order(reader, node.span, (low, high)).map(|(low, high)| Test::DecimalBetween(low, high))
}

/// The two ends of `between`.
pub(super) fn pair<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<(&'n Node, &'n Node)> {
    if let [low, high] = reader.some_list(node, "`between`")? {
        return Some((low, high));
    }
    let message = "`between` needs exactly two ends";
    reader.fault(
        Code::WrongShape,
        node.span,
        message,
        "write `between: [LOW, HIGH]`; both ends are included",
    );
    None
}

/// Refuses ends that are the wrong way round.
pub(super) fn in_order(
    reader: &mut Reader<'_>,
    span: Span,
    (low, high): (Amount, Amount),
) -> Option<(Amount, Amount)> {
    if low <= high {
        return Some((low, high));
    }
    reader.fault(Code::OutOfRange, span, "the first end of `between` is above the second", "swap the two");
    None
}

fn addresses(reader: &mut Reader<'_>, node: &Node) -> Option<Test> {
    let items = limited(reader, node, "`in_cidr`")?;
    let mut nets = Vec::with_capacity(items.len());
    for item in items {
        let text = reader.text(item, "an address range")?;
        match parse_range(text) {
            Ok(net) => nets.push(net),
            Err(fault) => {
                let help = match &fault {
                    RangeFault::Form => "write the network and its bits".to_owned(),
                    RangeFault::HostBits(net) => format!("write `{net}`, or the address alone"),
                    RangeFault::Mapped => "write the IPv4 range instead".to_owned(),
                };
                reader.fault(Code::BadLiteral, item.span, format!("`{text}` is {fault}"), help);
            }
        }
    }
    (nets.len() == items.len()).then(|| Test::InRange(AddressSet::of(nets)))
}

/// Takes one text or a list of them, not longer than a list may be.
pub(super) fn limited<'n>(reader: &mut Reader<'_>, node: &'n Node, what: &str) -> Option<&'n [Node]> {
    let items = reader.one_or_more(node, what)?;
    if items.len() <= LIST_MAX {
        return Some(items);
    }
    let message = format!("{what} has more than {LIST_MAX} entries");
    reader.fault(Code::Limit, node.span, message, "split the list over several rules");
    None
}

fn choice(reader: &mut Reader<'_>, operator: &Entry, code: Code, known: &[&str]) -> Option<Test> {
    let texts = texts(reader, operator)?;
    let before = reader.count();
    for (span, text) in texts.iter().filter(|(_, text)| !known.contains(text)) {
        let message = format!("it can never be `{text}`");
        reader.fault(code, *span, message, did_you_mean(text, known));
    }
    (reader.count() == before).then(|| one_of(&texts))
}

/// The right side of `eq`, one text, or `in`, a list.
fn texts<'n>(reader: &mut Reader<'_>, operator: &'n Entry) -> Option<Vec<(Span, &'n str)>> {
    let node = &operator.value;
    if &*operator.key == "eq" {
        return Some(vec![(node.span, reader.text(node, "`eq`")?)]);
    }
    reader.some_list(node, "`in`")?;
    let items = limited(reader, node, "`in`")?;
    let texts: Vec<_> = items
        .iter()
        .map(|item| reader.text(item, "an entry of `in`").map(|text| (item.span, text)))
        .collect();
    let texts: Option<Vec<_>> = texts.into_iter().collect();
    let texts = texts?;
    reader.refuse_repeats(&texts, "`in`");
    Some(texts)
}

fn one_of(texts: &[(Span, &str)]) -> Test {
    let mut sorted: Vec<Box<str>> = texts.iter().map(|(_, text)| (*text).into()).collect();
    sorted.sort_unstable();
    Test::OneOf(sorted)
}

fn family(reader: &mut Reader<'_>, node: &Node) -> Option<Test> {
    let items = reader.one_or_more(node, "`family`")?;
    let names = Family::ALL.map(Family::as_str);
    let words: Vec<_> = items
        .iter()
        .map(|item| reader.word(item, "`family`", &names).map(|word| (item.span, word)))
        .collect();
    let words: Option<Vec<_>> = words.into_iter().collect();
    let words = words?;
    reader.refuse_repeats(&words, "`family`");
    let is_named = |family: &Family| words.iter().any(|(_, word)| *word == family.as_str());
    Some(Test::Family(Family::ALL.into_iter().filter(is_named).collect()))
}

fn text(reader: &mut Reader<'_>, operator: &Entry, rule: Option<&TextRule>) -> Option<Test> {
    let node = &operator.value;
    match &*operator.key {
        "eq" | "in" => {
            let texts = texts(reader, operator)?;
            let before = reader.count();
            if let Some(rule) = rule {
                for literal in &texts {
                    possible(reader, *literal, rule);
                }
            }
            (reader.count() == before).then(|| one_of(&texts))
        }
        "matches" => literal::pattern(reader, node, "`matches`").map(Test::Matches),
        key => {
            let part = reader.text(node, &format!("`{key}`"))?;
            let normal = rule.map_or(part.into(), |rule| normal_part(rule, part));
            if normal != part {
                let help = format!("`normalise` turns it into `{normal}`: write that");
                let message = format!("the field can never have `{part}` in it");
                reader.fault(Code::UnknownValue, node.span, message, help);
                return None;
            }
            match key {
                "starts_with" => Some(Test::StartsWith(part.into())),
                "ends_with" => Some(Test::EndsWith(part.into())),
                _ => Some(Test::Contains(part.into())),
            }
        }
    }
}

/// The normal form of a part of a value: white space at its ends may be inside the value.
fn normal_part<'t>(rule: &TextRule, part: &'t str) -> std::borrow::Cow<'t, str> {
    let normalise = rule.normalise.iter().copied().filter(|way| *way != Normalise::Trim).collect();
    TextRule { normalise, one_of: None, pattern: None, chars_max: usize::MAX }.normal(part)
}
