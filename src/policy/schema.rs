//! What a scope lets the page send: typed and closed, checked before any rule looks at it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::condition::HistoryField;
use super::literal::Pattern;
use crate::domain::{Amount, Currency, Metadata, by_value};

pub(crate) mod keys;
pub(crate) mod read;

/// The most metadata fields of a scope: Prelude sends no more (docs/CONTRACT.md C2.5).
pub(crate) const FIELDS_MAX: usize = 5;

/// What the conditions of a scope can look at besides what every request has: metadata, money and the past.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Schema {
    /// The fields in file order, at most [`FIELDS_MAX`].
    pub(crate) fields: Vec<FieldRule>,
    /// The money fields in file order.
    pub(crate) money: Vec<MoneyRule>,
    /// What conditions ask about the past: those of `always.yaml` first, each question once.
    pub(crate) history: Vec<HistoryField>,
}

/// A metadata field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldRule {
    /// The name that the page sends.
    pub(crate) name: Arc<str>,
    /// The name in conditions and reasons: `metadata.NAME`.
    pub(crate) path: Box<str>,
    /// The path as the name of a JSON member: `"metadata.NAME":`.
    pub(crate) member: Box<str>,
    /// Whether it may be left out.
    pub(crate) is_optional: bool,
    /// Its place among the names of the schema in their order: where a page that sends all of them has it too.
    pub(crate) place: usize,
    /// What it may hold.
    pub(crate) kind: FieldKind,
}

/// What a metadata field may hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldKind {
    /// A plain decimal.
    Decimal(DecimalRule),
    /// A text.
    Text(TextRule),
}

/// The bounds of a decimal field.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DecimalRule {
    /// The least value.
    pub(crate) min: Option<Amount>,
    /// The greatest value.
    pub(crate) max: Option<Amount>,
    /// The most digits after the point, as sent.
    pub(crate) scale_max: Option<u32>,
}

/// The form of a text field. It is brought into its normal form first; everything else looks at that form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextRule {
    /// How the text is brought into its normal form, in this order.
    pub(crate) normalise: Vec<Normalise>,
    /// The only values, if they are known.
    pub(crate) one_of: Option<Vec<Box<str>>>,
    /// What the whole value must fit.
    pub(crate) pattern: Option<Pattern>,
    /// The most characters.
    pub(crate) chars_max: usize,
}

/// A way to make spellings of one thing equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Normalise {
    /// Drops white space at both ends.
    Trim,
    /// Capital letters.
    Upper,
    /// Small letters.
    Lower,
    /// Drops every white space.
    StripSpaces,
}

/// An amount field and a currency field that mean one thing together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoneyRule {
    /// The name in conditions: `money.NAME`.
    pub(crate) path: Box<str>,
    /// The path as the name of a JSON member: `"money.NAME":`.
    pub(crate) member: Box<str>,
    /// Which field holds the amount.
    pub(crate) amount: usize,
    /// Which field holds the currency.
    pub(crate) currency: usize,
    /// The currencies, in the order of the currency field's `one_of`.
    pub(crate) currencies: Vec<Currency>,
}

/// A metadata field's value in one request, typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Value<'r> {
    /// Left out, or sent empty.
    #[default]
    Absent,
    /// A decimal within its bounds, and its digits as the page sent them.
    Decimal(Amount, &'r str),
    /// A text in its normal form, and its place in `one_of` where there is one.
    Text(Cow<'r, str>, Option<usize>),
}

/// The typed metadata of one request, by the position of its field in the schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Values<'r>([Value<'r>; FIELDS_MAX]);

impl<'r> Values<'r> {
    /// The value of a field; absent for a position that the schema does not have.
    pub(crate) fn field(&self, at: usize) -> &Value<'r> {
        self.0.get(at).unwrap_or(&Value::Absent)
    }

    /// Every value, in the order of the schema; absent beyond it.
    pub(crate) const fn all(&self) -> &[Value<'r>; FIELDS_MAX] {
        &self.0
    }

    /// The amount and the place of its currency; `None` when one of the two is absent.
    pub(crate) fn money(&self, rule: &MoneyRule) -> Option<(Amount, usize)> {
        match (self.field(rule.amount), self.field(rule.currency)) {
            (Value::Decimal(amount, _), Value::Text(_, Some(place))) => Some((*amount, *place)),
            _ => None,
        }
    }
}

/// How a request breaks its scope's schema. It names the field and quotes nothing that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal<'s> {
    path: &'s str,
    fault: &'static str,
}

/// As stored: `metadata.amount: not a decimal`.
impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.fault)
    }
}

impl Schema {
    /// Whether the field at a place may be left out.
    pub(crate) fn is_optional(&self, at: usize) -> bool {
        self.fields.get(at).is_some_and(|field| field.is_optional)
    }

    /// Types what a page sent.
    ///
    /// # Errors
    /// The first field, in file order, that does not fit; after those, a field that the schema does not have.
    pub(crate) fn check<'r>(&self, metadata: &'r Metadata) -> Result<Values<'r>, Refusal<'_>> {
        let mut values = Values::default();
        let mut known = 0;
        for (field, slot) in self.fields.iter().zip(values.0.iter_mut()) {
            let sent = metadata.get_near(field.place, &field.name);
            known += usize::from(sent.is_some());
            field.check(sent, slot).map_err(|fault| Refusal { path: &field.path, fault })?;
        }
        // The name of an unknown field is the page's word too: it is not repeated.
        if known < metadata.iter().count() {
            return Err(Refusal { path: "metadata", fault: "a field that this scope does not have" });
        }
        Ok(values)
    }
}

impl MoneyRule {
    /// Its name without `money.`.
    pub(crate) fn name(&self) -> &str {
        self.path.strip_prefix("money.").unwrap_or(&self.path)
    }

    /// The places of its two fields.
    pub(crate) fn parts(&self) -> Vec<usize> {
        vec![self.amount, self.currency]
    }
}

impl FieldRule {
    /// Judges what was sent, and fills the slot, which is empty before, where there is a value.
    fn check<'r>(&self, sent: Option<&'r str>, slot: &mut Value<'r>) -> Result<(), &'static str> {
        let absent = if self.is_optional { Ok(()) } else { Err("missing") };
        let Some(text) = sent.filter(|text| !text.is_empty()) else {
            return absent;
        };
        *slot = match &self.kind {
            FieldKind::Decimal(rule) => Value::Decimal(rule.check(text)?, text),
            FieldKind::Text(rule) => match rule.normal(text) {
                normal if normal.is_empty() => return absent,
                normal => {
                    let place = rule.check(&normal)?;
                    Value::Text(normal, place)
                }
            },
        };
        Ok(())
    }
}

impl DecimalRule {
    fn check(&self, text: &str) -> Result<Amount, &'static str> {
        let amount = Amount::parse(text).map_err(|_| "not a decimal")?;
        if self.scale_max.is_some_and(|most| amount.scale() > most) {
            return Err("too many digits after the point");
        }
        let to = |bound: Amount| by_value(amount.decimal(), bound.decimal());
        if self.min.is_some_and(|min| to(min).is_lt()) {
            return Err("too small");
        }
        if self.max.is_some_and(|max| to(max).is_gt()) { Err("too large") } else { Ok(amount) }
    }
}

impl TextRule {
    /// Brings a text into its normal form.
    #[inline]
    pub(crate) fn normal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &*self.normalise {
            [] => Cow::Borrowed(text),
            steps => steps.iter().fold(Cow::Borrowed(text), |text, step| step.apply(text)),
        }
    }

    /// Judges a text in its normal form and finds its place in `one_of`.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing.
    pub(crate) fn check(&self, normal: &str) -> Result<Option<usize>, &'static str> {
        if normal.len() > self.chars_max && normal.chars().count() > self.chars_max {
            return Err("too long");
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.fits(normal)) {
            return Err("not of the form that it must have");
        }
        match &self.one_of {
            None => Ok(None),
            Some(values) => {
                let place = values.iter().position(|value| **value == *normal);
                place.map(Some).ok_or("not one of the values that it may have")
            }
        }
    }
}

impl Normalise {
    /// Every way.
    pub(crate) const ALL: [Self; 4] = [Self::Trim, Self::Upper, Self::Lower, Self::StripSpaces];

    /// The word for it in policy files.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::StripSpaces => "strip_spaces",
        }
    }

    fn apply(self, text: Cow<'_, str>) -> Cow<'_, str> {
        let is_normal = match self {
            Self::Trim => text.trim().len() == text.len(),
            Self::Upper => text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()),
            Self::Lower => text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()),
            Self::StripSpaces => !text.contains(char::is_whitespace),
        };
        if is_normal {
            return text;
        }
        Cow::Owned(match self {
            Self::Trim => text.trim().to_owned(),
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::StripSpaces => text.split_whitespace().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
