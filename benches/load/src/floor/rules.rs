//! The ten rules of `benches/policies/transfer.yaml`, written in Rust.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use rust_decimal::Decimal;
use serde::Deserialize;

/// A hook call, as far as it is looked at.
#[derive(Deserialize)]
pub(super) struct HookCall<'a> {
    #[serde(borrow)]
    pub(super) scope_requested: &'a str,
    pub(super) user_id: &'a str,
    pub(super) identifiers: Vec<Identifier<'a>>,
    #[serde(borrow)]
    pub(super) signals: Signals<'a>,
    #[serde(borrow)]
    pub(super) metadata: Metadata<'a>,
}

/// An e-mail address or a phone number.
#[derive(Deserialize)]
pub(super) struct Identifier<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(rename = "value")]
    _value: &'a str,
}

/// What Prelude saw of the device.
#[derive(Deserialize)]
pub(super) struct Signals<'a> {
    pub(super) user_agent: &'a str,
    pub(super) platform: &'a str,
    pub(super) ip: IpAddr,
}

/// What the page sent.
#[derive(Deserialize)]
pub(super) struct Metadata<'a> {
    pub(super) amount: &'a str,
    pub(super) currency: &'a str,
    pub(super) payee: &'a str,
}

/// What a rule decides.
#[derive(Clone, Copy)]
pub(super) struct Ruling {
    /// The rule.
    pub(super) rule: &'static str,
    /// Prelude's word for the verdict.
    pub(super) verdict: &'static str,
    /// The answer's body.
    pub(super) answer: &'static str,
}

impl Ruling {
    /// What is answered where nothing is judged.
    pub(super) const ECHO: Self = block("echo");
}

const fn block(rule: &'static str) -> Ruling {
    Ruling { rule, verdict: "block", answer: r#"{"status":"block"}"# }
}

const fn review(rule: &'static str) -> Ruling {
    let answer = concat!(
        r#"{"status":"review","granted_for":300,"grant_mode":"single-use","#,
        r#""steps":[{"order":1,"key":"verify_sms","expiration_duration":600}]}"#
    );
    Ruling { rule, verdict: "review", answer }
}

const fn proceed(rule: &'static str) -> Ruling {
    let answer = r#"{"status":"continue","granted_for":300,"grant_mode":"single-use"}"#;
    Ruling { rule, verdict: "continue", answer }
}

static BLOCKED: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| networks(&["198.51.100.0/24", "203.0.113.128/25", "2001:db8:bad::/48"]));
static USUAL: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| networks(&["192.0.2.0/24", "10.0.0.0/8", "2001:db8:1::/48"]));

fn networks(texts: &[&str]) -> Vec<IpNet> {
    // INVARIANT: the texts are the constants above, and the test reads them all.
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn within(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

/// Decides a call: the first rule that matches; `None` when the amount is no amount.
pub(super) fn judge(call: &HookCall<'_>) -> Option<Ruling> {
    let amount = Decimal::from_str_exact(call.metadata.amount).ok()?;
    let at_least = |bound: u32| amount >= Decimal::from(bound);
    let Signals { user_agent, platform, ip } = call.signals;
    let Metadata { currency, payee, .. } = call.metadata;
    Some(if within(&BLOCKED, ip) {
        block("blocked-network")
    } else if at_least(50_000) {
        block("over-the-limit")
    } else if user_agent.starts_with("curl/") {
        block("script")
    } else if matches!(currency, "EUR" | "GBP") && at_least(20_000) {
        block("large-elsewhere")
    } else if matches!(payee, "DE000000000000000000" | "FR000000000000000000") {
        block("payee-on-hold")
    } else if at_least(10_000) {
        review("large")
    } else if matches!(platform, "IOS" | "ANDROID") && at_least(5_000) {
        review("large-on-a-phone")
    } else if !within(&USUAL, ip) && at_least(1_000) {
        review("unusual-network")
    } else if amount < Decimal::from(50) {
        proceed("small")
    } else if at_least(50) {
        review("ordinary")
    } else {
        block("otherwise")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_network_reads() {
        assert_eq!((BLOCKED.len(), USUAL.len()), (3, 3));
    }

    #[test]
    fn the_first_match_decides() {
        let check = |ip: &str, amount: &str, currency: &str, rule: &str| {
            let text = format!(
                r#"{{"scope_requested":"s","user_id":"u","identifiers":[],
                    "signals":{{"user_agent":"x","platform":"WEB","ip":"{ip}"}},
                    "metadata":{{"amount":"{amount}","currency":"{currency}","payee":"P"}}}}"#
            );
            let call: HookCall<'_> = serde_json::from_str(&text).expect("a call");
            assert_eq!(judge(&call).expect("an amount").rule, rule, "{text}");
        };
        check("198.51.100.9", "99999", "EUR", "blocked-network");
        check("192.0.2.1", "50000", "USD", "over-the-limit");
        check("192.0.2.1", "20000.00", "GBP", "large-elsewhere");
        check("192.0.2.1", "20000.00", "USD", "large");
        check("203.0.113.1", "1000", "USD", "unusual-network");
        check("2001:db8:1::1", "49.99", "USD", "small");
        check("203.0.113.1", "50", "USD", "ordinary");
    }
}
