//! Requests and bundles for this room's tests.

use super::{Bundle, DeskOverlay, Diagnostics, load_files};
use crate::domain::{
    Decision, Facts, History, Identifier, IdentifierKind, Metadata, Platform, Scope, Signals, Timestamp,
    UserId, Verdict,
};

/// The moment of [`request`], at which bundles are loaded too: 2026-09-21T14:13:20Z.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// A request for `scope` by `usr_test` from a browser at 192.0.2.1, without identifiers, metadata and user agent.
pub(super) fn request(scope: &str) -> Facts {
    Facts {
        scope: Scope::new(scope).expect("a scope"),
        user_id: UserId::new("usr_test").expect("a user id"),
        identifiers: Vec::new(),
        signals: Signals {
            user_agent: "".into(),
            platform: Platform::Web,
            ip: "192.0.2.1".parse().expect("an address"),
        },
        metadata: Metadata::default(),
        received_at: NOW,
    }
}

/// A request with more in it, or something else.
pub(super) trait Asking {
    fn with_phone(self) -> Self;
    fn with_email(self) -> Self;
    fn with_identifier(self, kind: &str, value: &str) -> Self;
    fn with_platform(self, platform: &str) -> Self;
    fn with_ip(self, ip: &str) -> Self;
    fn with_user_agent(self, user_agent: &str) -> Self;
    fn with_metadata(self, fields: &[(&str, &str)]) -> Self;
}

impl Asking for Facts {
    fn with_phone(self) -> Self {
        self.with_identifier("phone_number", "+33612345678")
    }

    fn with_email(self) -> Self {
        self.with_identifier("email_address", "user@example.com")
    }

    fn with_identifier(mut self, kind: &str, value: &str) -> Self {
        let kind = IdentifierKind::from_wire(kind);
        self.identifiers.push(Identifier { kind, value: value.into() });
        self
    }

    fn with_platform(mut self, platform: &str) -> Self {
        self.signals.platform = Platform::from_wire(platform);
        self
    }

    fn with_ip(mut self, ip: &str) -> Self {
        self.signals.ip = ip.parse().expect("an address");
        self
    }

    fn with_user_agent(mut self, user_agent: &str) -> Self {
        self.signals.user_agent = user_agent.into();
        self
    }

    fn with_metadata(mut self, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.metadata = Metadata::new(fields).expect("metadata within Prelude's bounds");
        self
    }
}

impl Bundle {
    /// Decides about a request that has no past, or needs none.
    pub(super) fn decide_alone(&self, facts: &Facts) -> Decision {
        self.decide_after(facts, &History::none())
    }

    /// Decides about a request after this past, with nothing from the fraud desk.
    pub(super) fn decide_after(&self, facts: &Facts, history: &History) -> Decision {
        self.decide_both_ways(facts, &DeskOverlay::none(), history)
    }

    /// Decides by what was compiled, and sees that what the files say decides the same.
    pub(super) fn decide_both_ways(&self, facts: &Facts, desk: &DeskOverlay, history: &History) -> Decision {
        let decision = self.decide(facts, desk, history);
        let found = self.find_plainly(facts, desk, history).unwrap_or((None, String::new()));
        assert_eq!((decision.rule.as_ref(), &decision.seen.outcomes), (found.0, &found.1), "{facts:?}");
        decision
    }
}

/// Loads files; panics with their faults when they do not load.
pub(super) fn bundle(files: &[(&str, &str)]) -> Bundle {
    load_files(files.iter().copied(), NOW).unwrap_or_else(|faults| panic!("does not load:\n{faults}"))
}

/// Loads one scope file with the given name-free text.
pub(super) fn scope_bundle(text: &str) -> Bundle {
    bundle(&with_lists(text))
}

/// What is wrong with one scope file.
pub(super) fn faults(text: &str) -> Diagnostics {
    match load_files(with_lists(text), NOW) {
        Ok(bundle) => bundle.warnings().clone(),
        Err(faults) => faults,
    }
}

/// Custom steps for the browser and for apps, and a passkey on one platform.
pub(super) const STEPS: &str = "
custom:
  kyc_review: { description: d, expires_in: 24h, approved_by: [backend], without_verdict: true }
  second_look: { description: d, expires_in: 1h, approved_by: [person], without_verdict: true }
  video_call: { description: d, platforms: [IOS, ANDROID], approved_by: [person], without_verdict: true }
managed:
  verify_passkey: { platforms: [IOS] }
";

/// Lists of every kind, some of whose entries end with the day of [`request`].
pub(super) const LISTS: [(&str, &str); 7] = [
    ("lists/users.txt", "usr_a\nusr_b until=2026-09-21\n"),
    ("lists/notes.txt", "gift\ngold until=2026-09-21 # sold\n"),
    ("lists/nets.txt", "198.51.100.0/24 until=2026-09-21\n198.51.100.0/25\n2001:db8::/32\n"),
    ("lists/payees.txt", "FR1\nDE12\n"),
    ("lists/apps.txt", "ANDROID\nIOS\n"),
    ("lists/reach.txt", "+33612345678\nboss@x.org\n"),
    ("lists/zones.txt", "198.51.100.0/24,wide\n198.51.100.0/25,narrow\n2001:db8::/32,six\n"),
];

/// Rates of the day before [`request`] and of the one after it: good for both, and for four days more.
pub(super) const RATES: &str = "base: EUR
max_age: 4d
rates:
  2026-09-20: { USD: 1.25, GBP: 0.7 }
  2026-09-22: { USD: 1.6, GBP: 0.5 }
";

/// The moment at which the day of [`request`] is over in UTC.
pub(super) const NEXT_DAY: Timestamp = Timestamp::from_unix_seconds(1_790_035_200);

/// The scope file `a.yaml` with everything that it may name.
pub(super) fn with_lists(text: &str) -> Vec<(&str, &str)> {
    let others = [("steps.yaml", STEPS), ("rates.yaml", RATES), ("grants.yaml", "executions: reported\n")];
    LISTS.into_iter().chain([("a.yaml", text)]).chain(others).collect()
}

/// A decision in one line: `continue single-use 300 / rule / reason`, a review with its steps.
pub(super) fn line(decision: &Decision) -> String {
    let grant = |grant: &crate::domain::Grant| format!("{} {}", grant.mode.as_str(), grant.granted_for.get());
    let verdict = match &decision.verdict {
        Verdict::Block => "block".to_owned(),
        Verdict::Continue(own) => format!("continue {}", grant(own)),
        Verdict::Review(own, plan) => {
            let steps: Vec<_> =
                plan.steps().iter().map(|step| format!("{}:{}", step.key, step.expires_in.get())).collect();
            format!("review {} [{}]", grant(own), steps.join(" "))
        }
    };
    let rule = decision.rule.as_ref().map_or("-", |rule| rule.as_str());
    format!("{verdict} / {rule} / {}", decision.reason)
}
