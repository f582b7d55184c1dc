//! Masked forms of personal values: enough for a person to recognise, too little to use.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::Metadata;

/// The fewest characters of a phone number that keeps more than its first one.
const PHONE_CHARS_MIN: usize = 8;

/// What stands in the place of what is left out.
const MASK: &str = "***";

/// Masks an e-mail address or phone number; anything else keeps only its first character.
pub(crate) fn mask_identifier(value: &str) -> String {
    masked_parts(value).concat()
}

/// The masked form in parts, which follow each other: what is kept of the value's beginning, the mask, and its end.
pub(crate) fn masked_parts(value: &str) -> [&str; 3] {
    if let Some(at) = value.bytes().rposition(|byte| byte == b'@') {
        // The domain is kept: `u***@example.com`.
        let (local, domain) = value.split_at_checked(at).unwrap_or((value, ""));
        [start(local, 1), MASK, domain]
    } else if value.starts_with('+') && start(value, PHONE_CHARS_MIN - 1).len() < value.len() {
        // Of a number that is long enough, three characters and two: `+33***78`.
        [start(value, 3), MASK, end(value, 2)]
    } else {
        [start(value, 1), MASK, ""]
    }
}

// What is cut off is nearly always ASCII, a byte a character.
fn start(text: &str, chars: usize) -> &str {
    if let Some(start) = text.get(..chars).filter(|start| start.is_ascii()) {
        return start;
    }
    let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

fn end(text: &str, chars: usize) -> &str {
    let from = text.len().saturating_sub(chars);
    if let Some(end) = text.get(from..).filter(|end| end.is_ascii()) {
        return end;
    }
    let start = text.char_indices().rev().take(chars).last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// The metadata as it is kept, a JSON object: `identifier` masked, everything else as it came.
pub(crate) fn masked_metadata(metadata: &Metadata) -> String {
    // INVARIANT: a map of texts always serialises.
    serde_json::to_string(&Masked(metadata)).unwrap_or_default()
}

struct Masked<'a>(&'a Metadata);

impl serde::Serialize for Masked<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| {
            let personal = name == Metadata::IDENTIFIER;
            (name, if personal { Cow::Owned(mask_identifier(value)) } else { Cow::Borrowed(value) })
        }))
    }
}

/// Keeps the network: `203.0.113.0/24`, `2001:db8:1::/48`.
pub(crate) fn mask_ip(ip: IpAddr) -> String {
    let mut text = String::new();
    push_masked_ip(&mut text, ip);
    text
}

/// Writes what [`mask_ip`] gives at the end of a text.
pub(crate) fn push_masked_ip(text: &mut String, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            for part in [a, b, c] {
                push_number(text, part);
                text.push('.');
            }
            text.push_str("0/24");
        }
        IpAddr::V6(ip) => match ipnet::Ipv6Net::new(ip, 48) {
            Ok(net) => _ = write!(text, "{}", net.trunc()),
            Err(_) => text.push_str(MASK),
        },
    }
}

/// Writes a small number: this way costs a tenth of the one through `fmt`, and a decision writes several.
fn push_number(text: &mut String, number: u8) {
    let digit = |number: u8| char::from(b'0' + number % 10);
    if number >= 100 {
        text.push(digit(number / 100));
    }
    if number >= 10 {
        text.push(digit(number / 10));
    }
    text.push(digit(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_what_a_person_needs() {
        assert_eq!(mask_identifier("user@example.com"), "u***@example.com");
        assert_eq!(mask_identifier("+33612345678"), "+33***78");
        assert_eq!(mask_identifier("+3361"), "+***");
        assert_eq!(mask_identifier("someone"), "s***");
        assert_eq!(mask_identifier(""), "***");
        assert_eq!(mask_identifier("é@x"), "é***@x");
        assert_eq!(mask_identifier("+3361234"), "+33***34");
        assert_eq!(mask_identifier("+éé1234é"), "+éé***4é");
        assert_eq!(mask_identifier("a@b@c"), "a***@c");
        assert_eq!(mask_identifier("@c"), "***@c");
        assert_eq!(mask_ip("203.0.113.42".parse().expect("an address")), "203.0.113.0/24");
        assert_eq!(mask_ip("7.10.99.255".parse().expect("an address")), "7.10.99.0/24");
        assert_eq!(mask_ip("2001:db8:1:2::42".parse().expect("an address")), "2001:db8:1::/48");
    }
}
