//! Texts that have a form: durations, days, names and the like.

/// The form of a text. What it means beyond its form is for its reader to judge.
#[derive(Debug)]
pub(crate) struct Form {
    /// What the reference calls such a text.
    pub(crate) name: &'static str,
    /// What it looks like.
    pub(crate) doc: &'static str,
    /// A regular expression that each of them fits, for ECMA 262 and for Rust.
    pub(crate) pattern: &'static str,
    /// What it may be to YAML without quotes.
    pub(crate) bare: Bare,
}

/// What a text may be to YAML where it stands without quotes. Doorstep reads every text as it is written, while editors
/// see the number or truth that YAML makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    /// A text, whatever it says.
    Text,
    /// A number, where it has digits only.
    Number,
    /// Anything but nothing.
    Any,
}

const fn form(name: &'static str, bare: Bare, pattern: &'static str, doc: &'static str) -> Form {
    Form { name, doc, pattern, bare }
}

/// An address or a range of addresses.
pub(crate) static RANGE: Form = form(
    "RANGE",
    Bare::Text,
    r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$",
    "an IP address, `192.0.2.1` or `\"2001:db8::1\"`, or a network with its bits, `198.51.100.0/24`; bits of the \
     address beyond those of the network are a fault",
);
/// An address.
pub(crate) static ADDRESS: Form =
    form("ADDRESS", Bare::Text, "^[0-9A-Fa-f:.]+$", "an IP address, `192.0.2.1` or `\"2001:db8::1\"`");
/// A plain decimal.
pub(crate) static AMOUNT: Form = form(
    "DECIMAL",
    Bare::Number,
    r"^(0|[1-9][0-9]*)(\.[0-9]+)?$",
    "plain digits, `10` or `0.05`: no sign, exponent, separator or leading zero",
);
/// Who may approve a step.
pub(crate) static APPROVER: Form = form(
    "APPROVER",
    Bare::Text,
    r"^(backend|person|provider:[\s\S]+)$",
    "`backend`, `person`, or `provider:NAME`",
);
/// A currency.
pub(crate) static CURRENCY: Form =
    form("CURRENCY", Bare::Text, "^[A-Z]{3}$", "three capitals, such as `USD`");
/// A moment with its offset.
pub(crate) static DATE_TIME: Form = form(
    "MOMENT",
    Bare::Text,
    r"^[-+0-9]{8,}[Tt ][0-9:.,]+([Zz]|[-+][0-9:]+)(\[.*\])*$",
    "date, time and offset: `2026-09-21T14:13:20Z`, `2026-09-21T16:13:20+02:00`",
);
/// A day of the calendar.
pub(crate) static DAY: Form =
    form("DAY", Bare::Text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a day of the calendar, `2026-12-31`");
/// An e-mail domain.
pub(crate) static DOMAIN: Form = form(
    "DOMAIN",
    Bare::Any,
    r"^[a-z0-9-][a-z0-9.-]*\.([a-z0-9.-]*[a-z0-9-])$",
    "the part of an e-mail address after the @, in small ASCII letters: `example.com`, `xn--bcher-kva.example`",
);
/// A duration.
pub(crate) static DURATION: Form = form(
    "DURATION",
    Bare::Text,
    "^[1-9][0-9]*[smhd]$",
    "a whole number and `s`, `m`, `h` or `d`, from `1s` to `1d`",
);
/// The kind of a fact with its prefix.
pub(crate) static FACT: Form = form(
    "fact.KIND",
    Bare::Text,
    r"^fact\.[A-Za-z0-9._:-]{1,64}$",
    "a kind of fact that is reported about users, such as `fact.email_changed`",
);
/// The name of a metadata field.
pub(crate) static FIELD: Form =
    form("FIELD", Bare::Any, "^[A-Za-z0-9._:-]{1,12}$", "1 to 12 characters of `a-z A-Z 0-9 . - _ :`");
/// A metadata field with its prefix.
pub(crate) static FIELD_PATH: Form = form(
    "metadata.FIELD",
    Bare::Text,
    r"^metadata\.[A-Za-z0-9._:-]{1,12}$",
    "a field of the file's `metadata`, such as `metadata.amount`",
);
/// A span of a day.
pub(crate) static HOURS: Form = form(
    "HOURS",
    Bare::Text,
    "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
    "`\"HH:MM-HH:MM\"`, in quotes; the end may be `24:00`",
);
/// The id of a rule.
pub(crate) static ID: Form =
    form("ID", Bare::Any, "^[A-Za-z0-9._:-]{1,64}$", "1 to 64 characters of `a-z A-Z 0-9 . - _ :`");
/// The name of a list.
pub(crate) static LIST: Form =
    form("LIST", Bare::Any, "^[A-Za-z0-9._-]+$", "the name of a list: `NAME` for the file `lists/NAME.txt`");
/// An amount with its currency.
pub(crate) static MONEY: Form = form(
    "MONEY",
    Bare::Text,
    r"^(0|[1-9][0-9]*)(\.[0-9]+)? [A-Z]{3}$",
    "a decimal, one blank and the currency: `10000 USD`, `0.50 EUR`",
);
/// A name for money.
pub(crate) static MONEY_NAME: Form =
    form("NAME", Bare::Any, "^[A-Za-z0-9_-]{1,32}$", "1 to 32 characters of `a-z A-Z 0-9 - _`");
/// Money with its prefix.
pub(crate) static MONEY_PATH: Form = form(
    "money.NAME",
    Bare::Text,
    r"^money\.[A-Za-z0-9_-]{1,32}$",
    "money of the file's `money`, such as `money.value`",
);
/// A regular expression.
pub(crate) static PATTERN: Form = form(
    "PATTERN",
    Bare::Any,
    r"^[\s\S]{1,256}$",
    "a regular expression, in the syntax of Rust's `regex`, that the whole value fits; it takes linear time, so it \
     knows no look-around and no back-reference, and has at most 256 characters",
);
/// What a phone number begins with.
pub(crate) static PREFIX: Form =
    form("PREFIX", Bare::Number, r"^\+[0-9]{1,15}$", "`+` and up to 15 digits without blanks: `+33`");
/// What is asked for.
pub(crate) static SCOPE: Form = form(
    "SCOPE",
    Bare::Any,
    "^[A-Za-z0-9._:-]{1,256}$",
    "1 to 256 characters of `a-z A-Z 0-9 . - _ :`, such as `transfer:write`",
);
/// A duration of any length.
pub(crate) static SPAN: Form = form(
    "SPAN",
    Bare::Text,
    "^[1-9][0-9]*[smhd]$",
    "a whole number and `s`, `m`, `h` or `d`; what is looked back at is kept for 400 days",
);
/// The key of a step.
pub(crate) static STEP: Form = form(
    "STEP_KEY",
    Bare::Any,
    "^[A-Za-z0-9._:-]{1,64}$",
    "`verify_sms`, `verify_email`, `verify_passkey` or a custom step of steps.yaml: 1 to 64 characters of \
     `a-z A-Z 0-9 . - _ :`",
);
/// A time zone.
pub(crate) static ZONE: Form = form(
    "ZONE",
    Bare::Text,
    "^[A-Za-z0-9_+/-]+$",
    "a zone of the IANA database, such as `Europe/Berlin`, or `UTC`",
);
