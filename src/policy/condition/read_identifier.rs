//! Reading what `identifiers.any` and `identifiers.every` ask for.

use super::IdentifierTest;
use super::keys::IDENTIFIER_TEST;
use super::read_list;
use super::read_test::limited;
use crate::domain::IdentifierKind;
use crate::policy::diagnostic::Code;
use crate::policy::lists::read::ReadLists;
use crate::policy::reader::Reader;
use crate::policy::yaml::Node;

/// Reads what `identifiers.any` or `identifiers.every` asks for.
pub(super) fn identifier(
    reader: &mut Reader<'_>,
    node: &Node,
    field: &str,
    lists: &ReadLists<'_>,
) -> Option<IdentifierTest> {
    let what = format!("`{field}`");
    let before = reader.count();
    let map = reader.closed_map(node, &what, &IDENTIFIER_TEST)?;
    let kinds = map.get("type").map(|node| words(reader, node, "`type`", identifier_kind));
    let domains = map.get("email_domain").map(|node| words(reader, node, "`email_domain`", domain));
    let prefixes = map.get("phone_prefix").map(|node| words(reader, node, "`phone_prefix`", prefix));
    let list = map.get("in_list").map(|node| read_list::identifiers(reader, node, lists));
    let lacks = |kind: &IdentifierKind| {
        kinds.as_ref().is_some_and(|kinds: &Vec<IdentifierKind>| !kinds.is_empty() && !kinds.contains(kind))
    };
    let cannot = (domains.is_some() && (prefixes.is_some() || lacks(&IdentifierKind::EmailAddress)))
        || (prefixes.is_some() && lacks(&IdentifierKind::PhoneNumber));
    if cannot {
        let message = "no identifier is an e-mail address and a phone number at once";
        let help = "the keys of one map speak of one identifier: use `any:` with a condition for each kind";
        reader.fault(Code::Contradiction, map.span, message, help);
    }
    (reader.count() == before).then_some(IdentifierTest { kinds, domains, prefixes, list: list.flatten() })
}

fn words<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    read: fn(&str) -> Result<T, &'static str>,
) -> Vec<T> {
    let Some(items) = limited(reader, node, what) else { return Vec::new() };
    let mut found = Vec::with_capacity(items.len());
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = reader.text(item, what) else { continue };
        named.push((item.span, text));
        match read(text) {
            Ok(word) => found.push(word),
            Err(help) => {
                reader.fault(Code::UnknownValue, item.span, format!("{what} cannot be `{text}`"), help);
            }
        }
    }
    reader.refuse_repeats(&named, what);
    found
}

fn identifier_kind(text: &str) -> Result<IdentifierKind, &'static str> {
    match IdentifierKind::from_wire(text) {
        IdentifierKind::Other(_) => Err("write `email_address` or `phone_number`"),
        kind => Ok(kind),
    }
}

fn domain(text: &str) -> Result<Box<str>, &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let fits =
        text.contains('.') && text.chars().all(plain) && !text.starts_with('.') && !text.ends_with('.');
    if fits {
        return Ok(text.into());
    }
    Err("write the part after the @ in small ASCII letters, such as `example.com` or `xn--bcher-kva.example`")
}

fn prefix(text: &str) -> Result<Box<str>, &'static str> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(text.into()) } else { Err("write `+` and digits without blanks, such as `+33`") }
}
