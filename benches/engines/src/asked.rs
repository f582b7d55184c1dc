//! Requests drawn from a seed, so that every rule decides some of them.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// What is asked, in the terms that all four languages can be handed.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) user_id: &'static str,
    pub(crate) ip: Ipv4Addr,
    pub(crate) platform: &'static str,
    pub(crate) user_agent: &'static str,
    /// Types and values.
    pub(crate) identifiers: Vec<(&'static str, &'static str)>,
    pub(crate) cents: i64,
    pub(crate) currency: &'static str,
    pub(crate) payee: &'static str,
    pub(crate) country: &'static str,
    pub(crate) purpose: &'static str,
}

const USERS: [&str; 4] = ["usr_7", "usr_31x", "usr_900124", "usr_77"];
const ADDRESSES: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.200",
    "10.4.5.6",
    "172.20.1.1",
    "8.8.4.4",
    "203.0.113.9",
    "198.51.100.7",
    "203.0.113.200",
];
const PLATFORMS: [&str; 3] = ["WEB", "IOS", "ANDROID"];
const AGENTS: [&str; 7] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36",
    "bank/3.2.1 (iPhone; iOS 18.1)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) Gecko/20100101 Firefox/131.0",
    "bank/1.9 (Android 14)",
    "curl/8.9",
    "script with python-requests",
    "a polite bot",
];
const IDENTIFIERS: [&[(&str, &str)]; 6] = [
    &[("phone_number", "+33612345678"), ("email_address", "ada@example.com")],
    &[("email_address", "ada@example.org")],
    &[("email_address", "ada@example.org"), ("email_address", "a@mailinator.com")],
    &[("phone_number", "+4915112345678")],
    &[("phone_number", "+4915112345678"), ("phone_number", "+15555550100")],
    &[],
];
const CENTS: [i64; 14] = [
    1, 75, 4_200, 9_000, 19_999, 50_000, 99_999, 130_000, 160_000, 250_000, 310_000, 600_000, 950_000,
    4_999_999,
];
const CURRENCIES: [&str; 2] = ["USD", "EUR"];
const PAYEES: [&str; 5] = [
    "DE89370400440532013000",
    "FR7630006000011234567",
    "XX111122223333",
    "GB000000000000000000",
    "GB29NWBK60161331",
];
const COUNTRIES: [&str; 5] = ["DE", "FR", "US", "KP", "NL"];
const PURPOSES: [&str; 5] = ["rent", "invoice 4711", "a gift for Ada", "savings", "investment"];

/// Draws requests; the same seed and count give the same ones.
pub(crate) fn draw(seed: u64, count: usize) -> Vec<Asked> {
    let mut draws = Draws(seed);
    (0..count).map(|_| draws.asked()).collect()
}

struct Draws(u64);

impl Draws {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the values, the first ones more often than the last.
    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        let count = u64::try_from(values.len()).unwrap_or(1).max(1);
        let at = (self.next() % count).min(self.next() % count);
        values[usize::try_from(at).unwrap_or(0)]
    }

    fn asked(&mut self) -> Asked {
        Asked {
            user_id: self.of(&USERS),
            ip: self.of(&ADDRESSES).parse().unwrap_or(Ipv4Addr::LOCALHOST),
            platform: self.of(&PLATFORMS),
            user_agent: self.of(&AGENTS),
            identifiers: self.of(&IDENTIFIERS).to_vec(),
            cents: self.of(&CENTS),
            currency: self.of(&CURRENCIES),
            payee: self.of(&PAYEES),
            country: self.of(&COUNTRIES),
            purpose: self.of(&PURPOSES),
        }
    }
}

impl Asked {
    /// The request as policy tests write it.
    pub(crate) fn yaml(&self, scope: &str) -> String {
        let mut text = format!(
            "{{scope: '{scope}', user_id: '{}', ip: {}, platform: {}, user_agent: '{}', ",
            self.user_id, self.ip, self.platform, self.user_agent
        );
        let identifiers: Vec<String> = self
            .identifiers
            .iter()
            .map(|(kind, value)| format!("{{type: {kind}, value: '{value}'}}"))
            .collect();
        _ = write!(
            text,
            "identifiers: [{}], metadata: {{amount: '{}.{:02}', currency: {}, payee: {}, country: {}, purpose: '{}'}}}}",
            identifiers.join(", "),
            self.cents / 100,
            self.cents % 100,
            self.currency,
            self.payee,
            self.country,
            self.purpose,
        );
        text
    }

    /// The domains of the e-mail addresses.
    pub(crate) fn domains(&self) -> Vec<&'static str> {
        self.identifiers.iter().filter_map(|(_, value)| Some(value.split_once('@')?.1)).collect()
    }

    /// The types of the identifiers.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.identifiers.iter().map(|(kind, _)| *kind).collect()
    }

    /// How many identifiers are phone numbers.
    pub(crate) fn phones(&self) -> usize {
        self.identifiers.iter().filter(|(kind, _)| *kind == "phone_number").count()
    }

    /// What general engines are handed: plain numbers and texts, with what they would have to compute computed already.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "user_id": self.user_id,
            "ip": u32::from(self.ip),
            "platform": self.platform,
            "user_agent": self.user_agent,
            "identifiers": self.identifiers.len(),
            "phones": self.phones(),
            "kinds": self.kinds(),
            "domains": self.domains(),
            "amount": self.cents,
            "currency": self.currency,
            "payee": self.payee,
            "country": self.country,
            "purpose": self.purpose,
        })
    }
}
