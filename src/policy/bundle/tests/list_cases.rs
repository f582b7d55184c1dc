//! Lists with one fault each, and uses that do not fit their list; `§` marks where it is found.

use crate::policy::Code;

/// What the condition is, and the list `l` that it looks into.
type ListCases = &'static [(Code, &'static str, &'static str)];

pub(super) const USERS: &str = "user_id: { in_list: l }";
pub(super) const NETS: &str = "signals.ip: { in_list: l }";
pub(super) const ZONES: &str = "signals.ip: { mapped_by: { list: l, eq: a } }";

pub(super) const LIST_CASES: ListCases = &[
    (Code::BadLiteral, USERS, "usr_1\nusr_2 §until=2026-13-01\n"),
    (Code::BadLiteral, USERS, "usr_1\n  usr_2   §until=tomorrow  # soon\n"),
    (Code::BadLiteral, USERS, "usr_1 §untill=2026-12-31\n"),
    (Code::BadLiteral, USERS, "usr_1\n§until=2026-12-31\n"),
    (Code::BadLiteral, USERS, "usr_1\n§usr\u{1}2\n"),
    (Code::ListRepeats, USERS, "usr_1\n\n# more\n §usr_1 until=2026-12-31\n"),
    (Code::BadLiteral, NETS, "198.51.100.0/24\n§198.51.100.7/24\n"),
    (Code::BadLiteral, NETS, "198.51.100.0/24\n\t§office # ours\n"),
    (Code::BadLiteral, NETS, "§::ffff:198.51.100.0/120\n"),
    (Code::ListRepeats, NETS, "198.51.100.0/24\n§198.51.100.0/24 until=2026-12-31\n"),
    (Code::BadLiteral, ZONES, "198.51.100.0/24,a\n§203.0.113.0/24\n"),
    (Code::BadLiteral, ZONES, "198.51.100.0/24,a\n§203.0.113.0/24,\n"),
    (Code::BadLiteral, ZONES, "198.51.100.0/24, a\n§203.0.113/24,b\n"),
    (Code::BadLiteral, ZONES, "198.51.100.0/24,a §until=2026-12-31\n203.0.113.0/24,a\n"),
    (Code::ListRepeats, ZONES, "198.51.100.0/24,a\n§198.51.100.0/24,a\n"),
    (Code::DuplicateItem, ZONES, "198.51.100.0/24,a\n§198.51.100.0/24,b\n"),
];

/// What the condition is; the lists are those of the samples.
pub(super) const USE_CASES: &[(Code, &str)] = &[
    (Code::UnknownList, "user_id: { in_list: §usres }"),
    (Code::WrongShape, "user_id: { in_list: §[users] }"),
    (Code::UnknownList, "identifiers.any: { in_list: §frozen }"),
    (Code::UnknownList, "signals.ip: { mapped_by: { list: §zone-s, eq: six } }"),
    (Code::ListMisfit, "user_id: { in_list: §nets }"),
    (Code::ListMisfit, "user_id: { in_list: §zones }"),
    (Code::ListMisfit, "signals.ip: { in_list: §users }"),
    (Code::ListMisfit, "signals.ip: { in_list: §zones }"),
    (Code::ListMisfit, "signals.ip: { mapped_by: { list: §nets, eq: six } }"),
    (Code::ListMisfit, "metadata.payee: { in_list: §users }"),
    (Code::ListMisfit, "metadata.currency: { in_list: §payees }"),
    (Code::ListMisfit, "signals.platform: { in_list: §users }"),
    (Code::ListMisfit, "identifiers.any: { in_list: §users }"),
    (Code::UnknownValue, "signals.ip: { mapped_by: { list: zones, in: [six, §sixx] } }"),
    (Code::DuplicateItem, "signals.ip: { mapped_by: { list: zones, in: [six, §six] } }"),
    (Code::MissingKey, "signals.ip: { mapped_by: §{ list: zones } }"),
    (Code::MissingKey, "signals.ip: { mapped_by: §{ eq: six } }"),
    (Code::MissingKey, "signals.ip: { mapped_by: §{ list: zones, eq: six, in: [six] } }"),
    (Code::UnknownKey, "signals.ip: { mapped_by: { list: zones, §lists: zones, eq: six } }"),
];

/// What stands in the rule besides its id and outcome.
pub(super) const MOMENT_CASES: &[(Code, &str)] = &[
    (Code::MissingKey, "when: { request.time: §{ zone: UTC } }"),
    (Code::MissingKey, "when: { request.time: §{ weekdays: mon } }"),
    (Code::WrongShape, "when: { request.time: §night }"),
    (Code::UnknownKey, "when: { request.time: { zone: UTC, weekdays: mon, §hour: '1' } }"),
    (Code::UnknownValue, "when: { request.time: { zone: §Europe/Berln, weekdays: mon } }"),
    (Code::UnknownValue, "when: { request.time: { zone: §+02:00, weekdays: mon } }"),
    (Code::BadLiteral, "when: { request.time: { zone: UTC, hours: §'9-17' } }"),
    (Code::BadLiteral, "when: { request.time: { zone: UTC, hours: §'09:00-24:01' } }"),
    (Code::BadLiteral, "when: { request.time: { zone: UTC, hours: §'09:60-17:00' } }"),
    (Code::OutOfRange, "when: { request.time: { zone: UTC, hours: §'09:00-09:00' } }"),
    (Code::OutOfRange, "when: { request.time: { zone: UTC, hours: §'00:00-24:00' } }"),
    (Code::UnknownValue, "when: { request.time: { zone: UTC, weekdays: [mon, §Tue] } }"),
    (Code::DuplicateItem, "when: { request.time: { zone: UTC, weekdays: [mon, §mon] } }"),
    (Code::Empty, "when: { request.time: { zone: UTC, dates: §{} } }"),
    (Code::BadLiteral, "when: { request.time: { zone: UTC, dates: { from: §2026-02-29 } } }"),
    (
        Code::OutOfRange,
        "when: { request.time: { zone: UTC, dates: §{ from: 2026-02-02, until: 2026-02-01 } } }",
    ),
    (Code::MissingKey, "when: { bucket: §{ of: 100, below: 10 } }"),
    (Code::OutOfRange, "when: { bucket: { of: 100, below: §100, salt: a } }"),
    (Code::OutOfRange, "when: { bucket: { of: 100, below: §0, salt: a } }"),
    (Code::OutOfRange, "when: { bucket: { of: §1, below: 1, salt: a } }"),
    (Code::BadLiteral, "when: { bucket: { of: 100, below: §10%, salt: a } }"),
    (Code::Empty, "when: { bucket: { of: 100, below: 10, salt: §'' } }"),
    (Code::Empty, "when: always, active: §{}"),
    (Code::UnknownKey, "when: always, active: { from: 2026-01-01, §to: 2026-01-02 }"),
    (Code::BadLiteral, "when: always, active: { from: §01.01.2026 }"),
    (Code::OutOfRange, "when: always, active: §{ from: 2026-01-02, until: 2026-01-01 }"),
    (Code::Expired, "when: always, active: { until: §2026-09-20 }"),
    (Code::Expired, "when: always, active: { from: 2026-01-01, until: §2026-09-20 }, observe: true"),
    (Code::BadLiteral, "when: always, observe: §yes"),
];
