//! Random rules and requests, and an interpreter of them that shares no code with the matcher: whole cents instead of
//! decimals, texts instead of compiled sets.

use proptest::prelude::*;

use crate::domain::Facts;
use crate::policy::sample::{Asking, NEXT_DAY, request, with_lists};

mod op;

use op::Op;

const NOTES: [&str; 3] = ["gift", "gold", "salary"];
const USERS: [&str; 3] = ["usr_a", "usr_b", "usr_test"];
const PLATFORMS: [&str; 4] = ["WEB", "IOS", "ANDROID", "TV"];
/// Addresses, each with the ranges of `NETS` that it is in.
const ADDRESSES: [(&str, [bool; 3]); 4] = [
    ("198.51.100.1", [true, true, false]),
    ("198.51.100.200", [true, false, false]),
    ("2001:db8::1", [false, false, true]),
    ("203.0.113.1", [false, false, false]),
];
/// The first eight bytes of `sha256("kyc-v2\0" USER)`, modulo four, worked out apart.
const BUCKETS_OF_FOUR: [u32; 3] = [2, 0, 3];
const ZONES: [&str; 3] = ["wide", "narrow", "six"];
const CURRENCIES: [&str; 3] = ["USD", "EUR", "GBP"];
/// What one euro is worth in each currency, in hundredths: on the day of the earlier requests and on that of the later.
const EURO_IN: [[u32; 3]; 2] = [[125, 100, 70], [160, 100, 50]];
const NETS: [&str; 3] = ["198.51.100.0/24", "198.51.100.0/25", "'2001:db8::/32'"];

#[derive(Debug, Clone)]
pub(super) enum Spec {
    Amount(Op, u32),
    Between(u32, u32),
    Money(Op, u32, u32),
    /// A bound in dollars only: everything else is converted.
    Dollars(Op, u32),
    Tip(Op, u32),
    NoteIs(usize),
    NoteStarts(char),
    NotePresent(bool),
    User(usize),
    Platform(usize),
    Net(usize),
    UserListed,
    NoteListed,
    NetListed,
    Mapped(usize),
    Night,
    Bucket(u32),
    AnyPhone,
    EveryEmail,
    Count(Op, u32),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Debug, Clone)]
pub(super) struct RuleSpec {
    when: Spec,
    then: usize,
    is_match_if_absent: bool,
    id: usize,
    extra: Extra,
}

/// What a rule has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    None,
    /// Active up to the day of the earlier requests.
    Ends,
    /// Active from the day after.
    Begins,
    Observes,
}

impl Extra {
    const ALL: [Self; 6] = [Self::None, Self::None, Self::None, Self::Ends, Self::Begins, Self::Observes];

    fn yaml(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ends => ", active: { until: 2026-09-21 }",
            Self::Begins => ", active: { from: 2026-09-22 }",
            Self::Observes => ", observe: true",
        }
    }

    fn decides(self, asked: &Asked) -> bool {
        match self {
            Self::None => true,
            Self::Ends => !asked.is_late,
            Self::Begins => asked.is_late,
            Self::Observes => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Asked {
    amount: u32,
    currency: usize,
    note: Option<usize>,
    tip: Option<u32>,
    user: usize,
    platform: usize,
    address: usize,
    has_phone: bool,
    has_email: bool,
    /// Whether it is the day after the one at whose end list entries end.
    is_late: bool,
}

const OUTCOMES: [&str; 6] = [
    "block",
    "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ first_of: [verify_sms, verify_email], expires_in: 5m }, kyc_review] } }",
    "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 90s }] } }",
    "{ review: { grant: { mode: single-use, for: 1h }, steps: [{ first_of: [verify_passkey, verify_sms], expires_in: 1d }] } }",
    "{ review: { grant: { mode: single-use, for: 5m }, steps: [{ step: video_call, expires_in: 1h }], else: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review] } } } }",
    "{ continue: { grant: { mode: single-use, for: 5m } } }",
];

fn cents(amount: u32) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

pub(super) fn any_request() -> impl Strategy<Value = Asked> {
    let who = (0..3_usize, 0..4_usize, 0..4_usize, any::<bool>(), any::<bool>(), any::<bool>());
    let what = (0..6_u32, 0..3_usize, prop::option::of(0..3_usize), prop::option::of(0..6_u32));
    (who, what).prop_map(
        |((user, platform, address, has_phone, has_email, is_late), (amount, currency, note, tip))| Asked {
            amount: amount * 50,
            currency,
            note,
            tip: tip.map(|tip| tip * 50),
            user,
            platform,
            address,
            has_phone,
            has_email,
            is_late,
        },
    )
}

fn any_op() -> impl Strategy<Value = Op> {
    prop::sample::select(Op::ALL.to_vec())
}

fn any_bound() -> impl Strategy<Value = u32> {
    (0..6_u32).prop_map(|bound| bound * 50)
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let leaf = prop_oneof![
        (any_op(), any_bound()).prop_map(|(op, bound)| Spec::Amount(op, bound)),
        (any_bound(), any_bound()).prop_map(|(a, b)| Spec::Between(a.min(b), a.max(b))),
        (any_op(), any_bound(), any_bound()).prop_map(|(op, usd, eur)| Spec::Money(op, usd, eur)),
        (any_op(), any_bound()).prop_map(|(op, bound)| Spec::Dollars(op, bound)),
        (any_op(), any_bound()).prop_map(|(op, bound)| Spec::Tip(op, bound)),
        (0..3_usize).prop_map(Spec::NoteIs),
        prop::sample::select(vec!['g', 's']).prop_map(Spec::NoteStarts),
        any::<bool>().prop_map(Spec::NotePresent),
        (0..3_usize).prop_map(Spec::User),
        (0..3_usize).prop_map(Spec::Platform),
        (0..3_usize).prop_map(Spec::Net),
        Just(Spec::UserListed),
        Just(Spec::NoteListed),
        Just(Spec::NetListed),
        (0..3_usize).prop_map(Spec::Mapped),
        Just(Spec::Night),
        (1..4_u32).prop_map(Spec::Bucket),
        Just(Spec::AnyPhone),
        Just(Spec::EveryEmail),
        (any_op(), 0..3_u32).prop_map(|(op, bound)| Spec::Count(op, bound)),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Spec::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Spec::Any),
            inner.prop_map(|part| Spec::Not(Box::new(part))),
        ]
    })
}

/// Up to five rules. Continues stand last more often than not, or few bundles would load.
pub(super) fn any_rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    let rule = (any_spec(), 0..OUTCOMES.len(), any::<bool>(), prop::sample::select(Extra::ALL.to_vec()));
    (prop::collection::vec(rule, 1..6), 0..4_u8).prop_map(|(mut rules, order)| {
        if order > 0 {
            rules.sort_by_key(|(_, then, ..)| *then);
        }
        let numbered = rules.into_iter().enumerate();
        numbered
            .map(|(id, (when, then, is_match_if_absent, extra))| RuleSpec {
                when,
                then,
                is_match_if_absent,
                id,
                extra,
            })
            .collect()
    })
}

impl Spec {
    fn yaml(&self) -> String {
        let list = |parts: &[Self]| parts.iter().map(Self::yaml).collect::<Vec<_>>().join(", ");
        match self {
            Self::Amount(op, bound) => {
                format!("{{ metadata.amount: {{ {}: {} }} }}", op.word(), cents(*bound))
            }
            Self::Between(low, high) => {
                format!("{{ metadata.amount: {{ between: [{}, {}] }} }}", cents(*low), cents(*high))
            }
            Self::Money(op, usd, eur) => {
                let (usd, eur) = (cents(*usd), cents(*eur));
                format!("{{ money.value: {{ {}: [{eur} EUR, {usd} USD] }} }}", op.word())
            }
            Self::Dollars(op, bound) => {
                format!("{{ money.value: {{ {}: {} USD }} }}", op.word(), cents(*bound))
            }
            Self::Tip(op, bound) => format!("{{ metadata.tip: {{ {}: {} }} }}", op.word(), cents(*bound)),
            Self::NoteIs(note) => format!("{{ metadata.note: {{ eq: {} }} }}", NOTES[*note]),
            Self::NoteStarts(start) => format!("{{ metadata.note: {{ starts_with: {start} }} }}"),
            Self::NotePresent(wanted) => format!("{{ metadata.note: {{ present: {wanted} }} }}"),
            Self::User(user) => format!("{{ user_id: {{ in: [{}] }} }}", USERS[*user]),
            Self::Platform(platform) => format!("{{ signals.platform: {{ eq: {} }} }}", PLATFORMS[*platform]),
            Self::Net(net) => format!("{{ signals.ip: {{ in_cidr: {} }} }}", NETS[*net]),
            Self::UserListed => "{ user_id: { in_list: users } }".to_owned(),
            Self::NoteListed => "{ metadata.note: { in_list: notes } }".to_owned(),
            Self::NetListed => "{ signals.ip: { in_list: nets } }".to_owned(),
            Self::Mapped(zone) => {
                format!("{{ signals.ip: {{ mapped_by: {{ list: zones, eq: {} }} }} }}", ZONES[*zone])
            }
            Self::Night => {
                "{ request.time: { zone: UTC, hours: '22:00-06:00', weekdays: [mon, wed] } }".to_owned()
            }
            Self::Bucket(below) => format!("{{ bucket: {{ of: 4, below: {below}, salt: kyc-v2 }} }}"),
            Self::AnyPhone => "{ identifiers.any: { type: phone_number } }".to_owned(),
            Self::EveryEmail => "{ identifiers.every: { email_domain: example.com } }".to_owned(),
            Self::Count(op, bound) => format!("{{ identifiers.count: {{ {}: {bound} }} }}", op.word()),
            Self::All(parts) => format!("{{ all: [{}] }}", list(parts)),
            Self::Any(parts) => format!("{{ any: [{}] }}", list(parts)),
            Self::Not(part) => format!("{{ not: {} }}", part.yaml()),
        }
    }

    fn compares_optional(&self) -> bool {
        match self {
            Self::Tip(..) | Self::NoteIs(_) | Self::NoteStarts(_) | Self::NoteListed => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::compares_optional),
            Self::Not(part) => part.compares_optional(),
            _ => false,
        }
    }

    /// `absent` is what a comparison with something absent comes to here.
    fn holds(&self, asked: &Asked, absent: bool, seen: &mut String) -> bool {
        let count = u32::from(asked.has_phone) + u32::from(asked.has_email);
        let outcome = match self {
            Self::All(parts) => {
                let held: Vec<_> = parts.iter().map(|part| part.holds(asked, absent, seen)).collect();
                return !held.contains(&false);
            }
            Self::Any(parts) => {
                let held: Vec<_> = parts.iter().map(|part| part.holds(asked, absent, seen)).collect();
                return held.contains(&true);
            }
            Self::Not(part) => return !part.holds(asked, !absent, seen),
            Self::Amount(op, bound) => op.holds(asked.amount, *bound),
            Self::Between(low, high) => asked.amount >= *low && asked.amount <= *high,
            Self::Money(op, usd, eur) => match asked.currency {
                0 => op.holds(asked.amount, *usd),
                1 => op.holds(asked.amount, *eur),
                _ => asked.compares(*op, *eur, 1),
            },
            Self::Dollars(op, usd) => asked.compares(*op, *usd, 0),
            Self::Tip(op, bound) => asked.tip.map_or(absent, |tip| op.holds(tip, *bound)),
            Self::NoteIs(note) => asked.note.map_or(absent, |own| own == *note),
            Self::NoteStarts(start) => asked.note.map_or(absent, |own| NOTES[own].starts_with(*start)),
            Self::NotePresent(wanted) => asked.note.is_some() == *wanted,
            Self::User(user) => asked.user == *user,
            Self::Platform(platform) => asked.platform == *platform,
            Self::Net(net) => ADDRESSES[asked.address].1[*net],
            Self::UserListed => asked.user == 0 || (asked.user == 1 && !asked.is_late),
            Self::NoteListed => asked.note.map_or(absent, |own| own == 0 || (own == 1 && !asked.is_late)),
            Self::NetListed => match ADDRESSES[asked.address].1 {
                [_, true, _] | [_, _, true] => true,
                [is_in_ending, ..] => is_in_ending && !asked.is_late,
            },
            Self::Mapped(zone) => match ADDRESSES[asked.address].1 {
                [_, true, _] => *zone == 1,
                [true, ..] => *zone == 0,
                [.., is_six] => is_six && *zone == 2,
            },
            // Requests come on a Monday at 14:13 and on Tuesday at midnight, in Monday's night.
            Self::Night => asked.is_late,
            Self::Bucket(below) => BUCKETS_OF_FOUR[asked.user] < *below,
            Self::AnyPhone => asked.has_phone,
            Self::EveryEmail => asked.has_email && !asked.has_phone,
            Self::Count(op, bound) => op.holds(count, *bound),
        };
        seen.push_str(if outcome { "1" } else { "0" });
        outcome
    }
}

impl RuleSpec {
    pub(super) fn matches(&self, asked: &Asked) -> bool {
        self.extra.decides(asked) && self.when.holds(asked, self.is_match_if_absent, &mut String::new())
    }

    pub(super) fn continues(&self) -> bool {
        self.then == 5
    }

    pub(super) fn blocks(&self) -> bool {
        self.then == 0
    }
}

/// The rule that decides, and every condition's outcome up to there.
pub(super) fn decide(rules: &[RuleSpec], asked: &Asked) -> (Option<String>, String) {
    let mut seen = String::new();
    for rule in rules {
        if rule.when.holds(asked, rule.is_match_if_absent, &mut seen) && rule.extra.decides(asked) {
            return (Some(format!("r{}", rule.id)), seen);
        }
    }
    (None, seen)
}

/// The scope file with everything that it may name.
pub(super) fn files(text: &str) -> Vec<(&str, &str)> {
    with_lists(text)
}

/// The rules as a scope file.
pub(super) fn document(rules: &[RuleSpec]) -> String {
    let mut text = "scopes: [a:b]
metadata:
  amount: { type: decimal }
  currency: { type: string, one_of: [USD, EUR, GBP] }
  note: { type: string, optional: true }
  tip: { type: decimal, optional: true }
money:
  value: { amount: metadata.amount, currency: metadata.currency }
rules:
"
    .to_owned();
    for rule in rules {
        let if_absent = match (rule.when.compares_optional(), rule.is_match_if_absent) {
            (false, _) => "",
            (true, true) => ", if_absent: match",
            (true, false) => ", if_absent: no_match",
        };
        let (id, when, then) = (rule.id, rule.when.yaml(), OUTCOMES[rule.then]);
        let extra = rule.extra.yaml();
        text.push_str(&format!("  - {{ id: r{id}, when: {when}, then: {then}{if_absent}{extra} }}\n"));
    }
    text + "otherwise: block\n"
}

impl Asked {
    /// Compares the money with a bound in another currency: multiplied out, so that nothing is divided or rounded.
    fn compares(&self, op: Op, bound: u32, currency: usize) -> bool {
        let euro_in = EURO_IN[usize::from(self.is_late)];
        op.holds(self.amount * euro_in[currency], bound * euro_in[self.currency])
    }

    /// The same request without its note, and without its tip.
    pub(super) fn with_less(&self) -> [Self; 2] {
        [Self { note: None, ..self.clone() }, Self { tip: None, ..self.clone() }]
    }

    pub(super) fn facts(&self) -> Facts {
        let (amount, tip) = (cents(self.amount), self.tip.map(cents));
        let mut fields = vec![("amount", amount.as_str()), ("currency", CURRENCIES[self.currency])];
        fields.extend(self.note.map(|note| ("note", NOTES[note])));
        fields.extend(tip.as_deref().map(|tip| ("tip", tip)));
        let mut facts = request("a:b")
            .with_metadata(&fields)
            .with_platform(PLATFORMS[self.platform])
            .with_ip(ADDRESSES[self.address].0);
        facts.user_id = crate::domain::UserId::new(USERS[self.user]).expect("a user id");
        if self.is_late {
            facts.received_at = NEXT_DAY;
        }
        if self.has_phone {
            facts = facts.with_phone();
        }
        if self.has_email { facts.with_email() } else { facts }
    }
}
