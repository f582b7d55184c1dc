//! A request as people write it, for tests and for asking why: what is left out has a usual value.

use std::net::IpAddr;

use super::diagnostic::{Code, Diagnostics};
use super::literal;
use super::reader::{Map, Reader};
use super::source::SourceFile;
use super::yaml::{self, Kind, Node};
use crate::domain::{
    Facts, Identifier, IdentifierKind, Metadata, Platform, Scope, Signals, Timestamp, UserId,
};
use keys::{IDENTIFIER, REQUEST};

pub(crate) mod keys;

/// The platforms; the last stands for one that Prelude may add.
const PLATFORMS: [&str; 4] = ["WEB", "ANDROID", "IOS", "UNKNOWN"];
/// The types of identifiers with the value that a type alone stands for; the last stands for one that Prelude may add.
const IDENTIFIERS: [(&str, &str); 3] =
    [("phone_number", "+15555550100"), ("email_address", "user@example.com"), ("unknown", "somebody")];
/// Their names alone.
const KINDS: [&str; 3] = {
    let [(first, _), (second, _), (third, _)] = IDENTIFIERS;
    [first, second, third]
};
/// Who asks where nobody is named.
const USER: &str = "usr_test";
/// From where (RFC 5737).
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
/// When: 2026-01-01T12:00:00Z, a Thursday.
const MOMENT: Timestamp = Timestamp::from_unix_seconds(1_767_268_800);

/// Reads a request that stands alone, in YAML or JSON. `name` is what messages call the text.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read_request(name: &str, text: &str) -> Result<Facts, Diagnostics> {
    read_request_at(name, text, MOMENT)
}

/// The same, for a request that is made at `usual_at` unless it says when.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read_request_at(name: &str, text: &str, usual_at: Timestamp) -> Result<Facts, Diagnostics> {
    let file = SourceFile::new(name.to_owned(), text.to_owned());
    let root = yaml::parse(&file).map_err(Diagnostics::new)?;
    let mut reader = Reader::new(&file);
    let facts = request_made_at(&mut reader, &root, usual_at);
    #[cfg(test)]
    facts.iter().for_each(|_| super::grammar::tests::expect_fits("request", &root));
    facts.ok_or_else(|| Diagnostics::new(reader.into_findings()))
}

/// Reads a request; `None` when it has a fault of its own, which the reader then has noted.
pub(super) fn request(reader: &mut Reader<'_>, node: &Node) -> Option<Facts> {
    request_made_at(reader, node, MOMENT)
}

fn request_made_at(reader: &mut Reader<'_>, node: &Node, usual_at: Timestamp) -> Option<Facts> {
    let before = reader.count();
    let map = reader.closed_map(node, "a request", &REQUEST)?;
    let scope = reader.required(&map, "scope", "a request");
    let scope = scope.and_then(|node| literal::name(reader, node, "a scope", Scope::new));
    let user_id = match map.get("user_id") {
        Some(node) => literal::name(reader, node, "`user_id`", UserId::new),
        None => UserId::new(USER).ok(),
    };
    let signals = signals(reader, &map);
    let identifiers = map.get("identifiers").map_or_else(Vec::new, |node| identifiers(reader, node));
    let metadata = map.get("metadata").map_or_else(Metadata::default, |node| metadata(reader, node));
    let received_at = map.get("at").map_or(usual_at, |node| moment(reader, node));
    let facts = Facts { scope: scope?, user_id: user_id?, identifiers, signals, metadata, received_at };
    (reader.count() == before).then_some(facts)
}

fn signals(reader: &mut Reader<'_>, map: &Map<'_>) -> Signals {
    let platform = map.get("platform").and_then(|node| reader.word(node, "`platform`", &PLATFORMS));
    let ip = map.get("ip").map_or(ADDRESS, |node| address(reader, node));
    let user_agent = map.get("user_agent").and_then(|node| plain(reader, node, "`user_agent`"));
    Signals {
        platform: platform.map_or(Platform::Web, Platform::from_wire),
        // As a call has it: an IPv4-mapped address is an IPv4 address.
        ip: ip.to_canonical(),
        user_agent: user_agent.unwrap_or_default().into(),
    }
}

/// Reads an address; a usual one where it has a fault.
pub(super) fn address(reader: &mut Reader<'_>, node: &Node) -> IpAddr {
    let Some(text) = reader.text(node, "`ip`") else { return ADDRESS };
    text.parse().unwrap_or_else(|_| {
        let help = "write one address, such as `192.0.2.1` or `\"2001:db8::1\"`";
        reader.fault(Code::BadLiteral, node.span, "`ip` is not an IP address", help);
        ADDRESS
    })
}

fn moment(reader: &mut Reader<'_>, node: &Node) -> Timestamp {
    let Some(text) = reader.text(node, "`at`") else { return MOMENT };
    Timestamp::parse(text).unwrap_or_else(|| {
        let help = "write date, time and offset: `2026-09-21T14:13:20Z`, `2026-09-21T16:13:20+02:00`";
        reader.fault(Code::BadLiteral, node.span, "`at` is not a moment", help);
        MOMENT
    })
}

/// Reads identifiers, without those that have a fault.
pub(super) fn identifiers(reader: &mut Reader<'_>, node: &Node) -> Vec<Identifier> {
    let Some(items) = reader.list(node, "`identifiers`") else { return Vec::new() };
    items.iter().filter_map(|item| identifier(reader, item)).collect()
}

/// `phone_number`, or `{ type: phone_number, value: "+33612345678" }`.
fn identifier(reader: &mut Reader<'_>, node: &Node) -> Option<Identifier> {
    if let Kind::Text(_) = node.kind {
        let word = kind(reader, node, "an identifier")?;
        let (_, value) = IDENTIFIERS.into_iter().find(|(name, _)| *name == word)?;
        return Some(Identifier { kind: IdentifierKind::from_wire(word), value: value.into() });
    }
    let map = reader.closed_map(node, "an identifier", &IDENTIFIER)?;
    let word = reader.required(&map, "type", "an identifier");
    let word = word.and_then(|node| kind(reader, node, "`type`"));
    let value = reader.required(&map, "value", "an identifier");
    let value = value.and_then(|node| reader.text(node, "`value`"));
    Some(Identifier { kind: IdentifierKind::from_wire(word?), value: value?.into() })
}

fn kind<'n>(reader: &mut Reader<'_>, node: &'n Node, what: &str) -> Option<&'n str> {
    reader.word(node, what, &KINDS)
}

/// Reads metadata; none where it has a fault.
pub(super) fn metadata(reader: &mut Reader<'_>, node: &Node) -> Metadata {
    let entries = match &node.kind {
        Kind::Map(entries) => entries.as_slice(),
        _ => reader.map(node, "`metadata`").map_or([].as_slice(), |map| map.entries),
    };
    let fields = entries.iter().filter_map(|entry| {
        let value = plain(reader, &entry.value, &format!("`metadata.{}`", entry.key))?;
        Some((entry.key.to_string(), value.to_owned()))
    });
    let fields: Vec<_> = fields.collect();
    Metadata::new(fields).unwrap_or_else(|fault| {
        let help = "Prelude sends no such request: write what a page can send";
        reader.fault(Code::MetadataLimit, node.span, fault.to_string(), help);
        Metadata::default()
    })
}

/// A text that may be empty, as long as somebody wrote that it is.
fn plain<'n>(reader: &mut Reader<'_>, node: &'n Node, what: &str) -> Option<&'n str> {
    match &node.kind {
        Kind::Text(text) if text.is_nothing() => {
            let help = "write a text, or `\"\"` for an empty one";
            reader.fault(Code::Empty, node.span, format!("{what} is empty"), help);
            None
        }
        Kind::Text(text) => Some(&text.value),
        Kind::List(_) | Kind::Map(_) => reader.text(node, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let facts = read_request("r", "scope: a:b").expect("a request");
        assert_eq!(facts.user_id.as_str(), "usr_test");
        assert_eq!(facts.signals.platform, Platform::Web);
        assert_eq!(facts.signals.ip.to_string(), "192.0.2.1");
        assert_eq!(&*facts.signals.user_agent, "");
        assert_eq!(facts.received_at.to_string(), "2026-01-01T12:00:00Z");
        assert_eq!((facts.identifiers.len(), facts.metadata.iter().count()), (0, 0));
    }

    #[test]
    fn everything_can_be_said_in_yaml_and_in_json() {
        let yaml = "
scope: a:b
user_id: usr_1
platform: IOS
identifiers: [email_address, { type: phone_number, value: \"+33612345678\" }, unknown]
ip: ::ffff:198.51.100.7
user_agent: app/1
at: 2026-09-21T16:13:20+02:00
metadata: { amount: 20, note: \"\" }
";
        let json = r#"{"scope": "a:b", "user_id": "usr_1", "platform": "IOS", "identifiers":
            ["email_address", {"type": "phone_number", "value": "+33612345678"}, "unknown"], "ip": "198.51.100.7",
            "user_agent": "app/1", "at": "2026-09-21T14:13:20Z", "metadata": {"amount": 20, "note": ""}}"#;
        let facts = read_request("r", yaml).expect("a request");
        assert_eq!(facts, read_request("r", json).expect("a request"));
        let kinds: Vec<_> = facts.identifiers.iter().map(|identifier| identifier.kind.as_str()).collect();
        assert_eq!(kinds, ["email_address", "phone_number", "unknown"]);
        assert_eq!(facts.signals.ip.to_string(), "198.51.100.7");
        assert_eq!(facts.received_at.unix_seconds(), 1_790_000_000);
        assert_eq!(facts.metadata.iter().collect::<Vec<_>>(), [("amount", "20"), ("note", "")]);
    }

    #[test]
    fn every_fault_is_found_at_once() {
        let text = "user_ip: a
platform: WBE
identifiers: [phone, { type: phone_number }, { value: x }]
ip: 300.1.1.1
user_agent:
at: today
metadata: { amount: ~, a_name_that_is_too_long: 1 }
";
        let faults = read_request("r.yaml", text).expect_err("faults");
        let found: Vec<_> = faults.iter().map(|found| (found.line, found.code, &*found.help)).collect();
        let expected = [
            (1, Code::UnknownKey, "did you mean `user_id`?"),
            (1, Code::MissingKey, "add `scope:`"),
            (2, Code::UnknownValue, "did you mean `WEB`?"),
            (3, Code::UnknownValue, "known here: `phone_number`, `email_address`, `unknown`"),
            (3, Code::MissingKey, "add `value:`"),
            (3, Code::MissingKey, "add `type:`"),
            (4, Code::BadLiteral, "write one address, such as `192.0.2.1` or `\"2001:db8::1\"`"),
            (5, Code::Empty, "write a text, or `\"\"` for an empty one"),
            (
                6,
                Code::BadLiteral,
                "write date, time and offset: `2026-09-21T14:13:20Z`, `2026-09-21T16:13:20+02:00`",
            ),
            (7, Code::MetadataLimit, "Prelude sends no such request: write what a page can send"),
            (7, Code::Empty, "write a text, or `\"\"` for an empty one"),
        ];
        assert_eq!(found, expected, "{faults}");
    }
}
