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
