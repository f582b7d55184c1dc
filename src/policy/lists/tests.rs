use std::fmt::Write;

use super::read::{Content, list};
use super::*;
use crate::policy::reader::Reader;
use crate::policy::source::SourceFile;

fn read(text: &str) -> Content {
    let file = SourceFile::new("lists/l.txt".to_owned(), text.to_owned());
    let mut reader = Reader::new(&file);
    let read = list(&mut reader, "l", &file);
    let found = reader.into_findings();
    assert!(found.is_empty(), "{found:?}");
    read.content
}

fn addresses(text: &str) -> AddressList {
    let Content::Addresses(list) = read(text) else { panic!("{text} is no list of addresses") };
    std::sync::Arc::into_inner(list).expect("nobody else holds it")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn days(days: i64) -> Timestamp {
    Timestamp::from_unix_seconds(days * 86_400)
}

/// 1970-01-02 is over when two days have passed.
#[test]
fn the_longest_of_nested_ranges_counts_and_the_ends_are_exact() {
    let list = addresses(
        "10.0.0.0/8 until=1970-01-02\n10.1.0.0/16 until=1970-01-04\n10.1.1.0/24\n10.1.1.0/30 until=1970-01-01\n\
         10.255.0.0/16 until=1970-01-03\n0.0.0.0/32\n255.255.255.255\n2001:db8::/32 until=1970-01-02\n",
    );
    let cases: &[(&str, [bool; 4])] = &[
        ("9.255.255.255", [false, false, false, false]),
        ("10.0.0.0", [true, true, false, false]),
        ("10.0.255.255", [true, true, false, false]),
        ("10.1.0.0", [true, true, true, true]),
        ("10.1.0.255", [true, true, true, true]),
        ("10.1.1.0", [true, true, true, true]),
        ("10.1.1.255", [true, true, true, true]),
        ("10.1.2.0", [true, true, true, true]),
        ("10.2.0.0", [true, true, false, false]),
        ("10.255.255.255", [true, true, true, false]),
        ("11.0.0.0", [false, false, false, false]),
        ("0.0.0.0", [true, true, true, true]),
        ("0.0.0.1", [false, false, false, false]),
        ("255.255.255.255", [true, true, true, true]),
        ("2001:db8:ffff::1", [true, true, false, false]),
    ];
    for (address, expected) in cases {
        let seen = [0, 1, 2, 3].map(|day| list.contains(ip(address), days(day), None));
        assert_eq!(seen, *expected, "{address}");
    }
    assert!(
        list.contains(ip("10.1.1.9"), days(99_999), None) && !list.contains(ip("10.1.2.9"), days(4), None)
    );
}

#[test]
fn the_smallest_range_gives_the_value() {
    let text = "::/0,rest\n0.0.0.0/0,rest\n10.0.0.0/8,a\n10.1.0.0/16, b\n10.1.1.0/24,a # again\n";
    let Content::Mapping(list) = read(text) else { panic!("no mapping") };
    assert_eq!(list.values().iter().map(|value| &**value).collect::<Vec<_>>(), ["rest", "a", "b"]);
    let has = |value: &str, address: &str| list.addresses(&[value.into()]).contains(ip(address));
    assert_eq!(
        ["9.9.9.9", "10.0.0.1", "10.1.0.1", "10.1.1.1", "::1"].map(|a| has("rest", a)),
        [true, false, false, false, true]
    );
    assert_eq!(
        ["10.0.0.1", "10.1.0.1", "10.1.1.1", "10.1.2.0", "10.2.0.0"].map(|a| has("a", a)),
        [true, false, true, false, true]
    );
    assert_eq!(["10.0.255.255", "10.1.0.0", "10.1.255.255"].map(|a| has("b", a)), [false, true, true]);
}

#[test]
fn a_text_is_what_stands_before_its_end_and_its_comment() {
    let text = "\u{feff}usr_1 until=1970-01-02 # x\r\nJohn Smith\n#c\n  ab#c  \nx # until=1970-01-01\nb until=1970-01-01\n";
    let Content::Texts(list) = read(text) else { panic!("no texts") };
    for entry in ["John Smith", "ab#c", "x"] {
        assert!(list.contains(entry, days(99_999), None), "{entry}");
    }
    assert!(list.names("b") && !list.contains("b", days(1), None));
    assert_eq!([1, 2].map(|day| list.contains("usr_1", days(day), None)), [true, false]);
    assert!(!list.names("") && !list.names("#c"));
}

/// The limits are for lists as long as this: every entry is found, and nothing else.
#[test]
fn a_long_list_is_complete() {
    let mut text = String::new();
    for number in 0..50_000_u32 {
        writeln!(text, "{}", std::net::Ipv4Addr::from(number * 4)).expect("writes");
    }
    let list = addresses(&text);
    for number in (0..200_000_u32).step_by(37) {
        assert_eq!(list.contains(std::net::Ipv4Addr::from(number).into(), days(0), None), number % 4 == 0);
    }
}
