//! Questions about the past with one fault each; `§` marks where it is found.

use crate::policy::Code;

type Cases = &'static [(Code, &'static str)];

/// What stands behind `history:` in a file with metadata and money, where executions are reported.
pub(super) const HISTORY_CASES: Cases = &[
    (Code::Empty, "§{}"),
    (Code::WrongShape, "§calls"),
    (Code::UnknownKey, "{ count: calls, by: user, over: 1h, counts: asked, gt: 3, §within: 1h }"),
    (Code::MissingKey, "§{ by: user, over: 1h, counts: asked, gt: 3 }"),
    (Code::Contradiction, "{ count: calls, §sum: money.value, by: user, over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: §call, by: user, over: 1h, counts: asked, gt: 3 }"),
    (Code::BadLiteral, "{ count: §fact.a/b, over: 1h, gt: 3 }"),
    (Code::BadLiteral, "{ count: §fact., over: 1h, gt: 3 }"),
    (Code::UnknownValue, "{ sum: §metadata.amount, by: user, over: 1h, counts: asked, gt: 3 USD }"),
    (Code::UnknownField, "{ sum: §money.valeu, by: user, over: 1h, counts: asked, gt: 3 USD }"),
    (Code::UnknownValue, "{ distinct: §payee, by: user, over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownField, "{ distinct: §metadata.paye, by: user, over: 1h, counts: asked, gt: 3 }"),
    // Whose.
    (Code::MissingKey, "§{ count: calls, over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: §users, over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownField, "{ count: calls, by: §metadata.paye, over: 1h, counts: asked, gt: 3 }"),
    (Code::DuplicateItem, "{ count: calls, by: [user, §user], over: 1h, counts: asked, gt: 3 }"),
    (Code::Empty, "{ count: calls, by: §[], over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: rejected, by: §ip, over: 1h, gt: 3 }"),
    (Code::UnknownValue, "{ count: fact.x, by: §[user, ip], over: 1h, gt: 3 }"),
    // How far back.
    (Code::MissingKey, "§{ count: calls, by: user, counts: asked, gt: 3 }"),
    (
        Code::Contradiction,
        "{ count: calls, by: user, over: 1h, §since: executed_review, counts: asked, gt: 3 }",
    ),
    (Code::BadLiteral, "{ count: calls, by: user, over: §1w, counts: asked, gt: 3 }"),
    (Code::OutOfRange, "{ count: calls, by: user, over: §401d, counts: asked, gt: 3 }"),
    (Code::UnknownKey, "{ count: calls, by: user, over: 1h, §zone: UTC, counts: asked, gt: 3 }"),
    (Code::MissingKey, "§{ count: calls, by: user, per: day, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: user, per: §year, zone: UTC, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: user, per: day, zone: §Europe/Berlni, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: user, since: §review, counts: asked, gt: 3 }"),
    // Which calls.
    (Code::MissingKey, "§{ count: calls, by: user, over: 1h, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: user, over: 1h, counts: §all, gt: 3 }"),
    (Code::UnknownScope, "{ count: calls, by: user, scopes: [§a:d], over: 1h, counts: asked, gt: 3 }"),
    (Code::DuplicateItem, "{ count: calls, by: user, scopes: [a:b, §a:b], over: 1h, counts: asked, gt: 3 }"),
    (Code::UnknownValue, "{ count: calls, by: user, verdicts: §blocked, over: 1h, counts: asked, gt: 3 }"),
    (
        Code::DuplicateItem,
        "{ count: calls, by: user, verdicts: [block, §block], over: 1h, counts: asked, gt: 3 }",
    ),
    (Code::Contradiction, "{ count: calls, by: user, verdicts: §block, over: 1h, counts: usable, gt: 3 }"),
    (Code::UnknownKey, "{ count: rejected, §counts: asked, over: 1h, gt: 3 }"),
    (Code::UnknownKey, "{ count: rejected, §verdicts: block, over: 1h, gt: 3 }"),
    (Code::UnknownKey, "{ count: fact.x, §scopes: [a:b], over: 1h, gt: 3 }"),
    // Other files.
    (
        Code::UnknownField,
        "{ sum: §money.value, by: user, scopes: [d:e], over: 1h, counts: asked, gt: 3 USD }",
    ),
    (
        Code::UnknownField,
        "{ distinct: §metadata.note, by: user, scopes: [c:d], over: 1h, counts: asked, gt: 3 }",
    ),
    (
        Code::HistoryMisfit,
        "{ distinct: §metadata.payee, by: user, scopes: [a:b, c:d], over: 1h, counts: asked, gt: 3 }",
    ),
    (
        Code::HistoryMisfit,
        "{ count: calls, by: §metadata.amount, scopes: [c:d], over: 1h, counts: asked, gt: 3 }",
    ),
    // What it is compared with.
    (Code::MissingKey, "§{ count: calls, by: user, over: 1h, counts: asked }"),
    (Code::BadLiteral, "{ count: calls, by: user, over: 1h, counts: asked, gt: §3.5 }"),
    (Code::OutOfRange, "{ count: calls, by: user, over: 1h, counts: asked, gt: §1000001 }"),
    (Code::OutOfRange, "{ count: calls, by: user, over: 1h, counts: asked, between: §[4, 3] }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, over: 1h, counts: asked, §gt: 0 }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, over: 1h, counts: usable, §gte: 1 }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, over: 1h, counts: asked, §eq: 0 }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, over: 1h, counts: asked, §lt: 1 }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, scopes: [d:e], over: 1h, counts: asked, §gte: 0 }"),
    (Code::HistoryMisfit, "{ count: calls, by: user, over: 1h, counts: executed, §lt: 0 }"),
    (Code::BadLiteral, "{ sum: money.value, by: user, over: 1h, counts: asked, gt: §3 }"),
    (Code::CurrencyNotCovered, "{ sum: money.value, by: user, over: 1h, counts: asked, gt: §3 USD }"),
    (
        Code::CurrencyNotCovered,
        "{ sum: money.value, by: user, scopes: [c:d], over: 1h, counts: asked, gt: §3 EUR }",
    ),
    (
        Code::BadLiteral,
        "{ sum: money.value, by: user, scopes: [c:d], over: 1h, counts: asked, between: §[1 USD, 2 EUR] }",
    ),
    (
        Code::OutOfRange,
        "{ sum: money.value, by: user, scopes: [c:d], over: 1h, counts: asked, between: §[2 USD, 1 USD] }",
    ),
    (Code::UnknownKey, "{ last: { before: 1d }, by: user, counts: executed, §over: 1h }"),
    (Code::UnknownKey, "{ last: { before: 1d }, by: user, counts: executed, §gt: 1 }"),
    (Code::UnknownKey, "{ last: { §after: 1d, before: 1d }, by: user, counts: executed }"),
    (Code::OutOfRange, "{ last: { before: §500d }, by: user, counts: executed }"),
    (Code::MissingKey, "§{ last: { before: 1d }, by: user }"),
];

/// Rules of such a file, after its `otherwise: block`.
pub(super) const HISTORY_RULE_CASES: Cases = &[
    (
        Code::IfAbsentMissing,
        "rules: [{ id: r, when: { §history: { count: calls, by: [user, metadata.note], over: 1h, counts: asked, gt: 3 } }, then: block }]\n",
    ),
    (
        Code::IfAbsentUnused,
        "rules: [{ id: r, if_absent: §match, when: { history: { count: calls, by: [user, metadata.payee], over: 1h, counts: asked, gt: 3 } }, then: block }]\n",
    ),
    (
        Code::GrantMode,
        "rules: [{ id: r, when: { history: { count: calls, by: metadata.payee, over: 1h, counts: executed, gt: 3 } }, then: { continue: { grant: { mode: §session-bound, for: 5m } } } }]\n",
    ),
    (
        Code::GrantMode,
        "rules: [{ id: r, when: { history: { sum: money.value, scopes: [c:d], by: user, over: 1h, counts: executed, gt: 3 USD } }, then: { continue: { grant: { mode: §session-bound, for: 5m } } } }]\n",
    ),
    (
        Code::AskingSoftens,
        "rules: [{ id: §r, when: { history: { count: calls, by: user, over: 1h, counts: asked, gt: 3 } }, then: { continue: { grant: { mode: single-use, for: 5m } } } }]\n",
    ),
    (
        Code::NeverMatches,
        "rules: [{ id: §r, when: { history: { count: calls, by: user, over: 1h, counts: asked, gt: 3, lt: 3 } }, then: block }]\n",
    ),
];

/// `always.yaml` beside such a file.
pub(super) const ALWAYS_HISTORY_CASES: Cases = &[
    (
        Code::AlwaysReadsMetadata,
        "rules: [{ id: r, when: { history: { count: calls, by: [user, §metadata.payee], over: 1h, counts: asked, gt: 3 } }, then: block }]\n",
    ),
    (
        Code::AlwaysReadsMetadata,
        "rules: [{ id: r, when: { history: §{ sum: money.value, by: user, over: 1h, counts: asked, gt: 3 USD } }, then: block }]\n",
    ),
    (
        Code::AlwaysReadsMetadata,
        "rules: [{ id: r, when: { history: §{ distinct: metadata.payee, by: user, over: 1h, counts: asked, gt: 3 } }, then: block }]\n",
    ),
    (
        Code::AskingSoftens,
        "rules: [{ id: §r, when: { history: { count: calls, by: user, over: 1h, counts: asked, lt: 3 } }, then: block }]\n",
    ),
    (
        Code::AskingSoftens,
        "rules: [{ id: §r, when: { not: { history: { count: rejected, over: 1h, gt: 3 } } }, then: block }]\n",
    ),
];

pub(super) const GRANTS_CASES: Cases = &[
    (Code::Empty, "§{}\n"),
    (Code::UnknownKey, "executions: reported\n§mode: all\n"),
    (Code::UnknownValue, "executions: §yes\n"),
];

/// What stands behind `history:` where executions are not reported.
pub(super) const UNREPORTED_CASES: Cases = &[
    (Code::ExecutionsUnreported, "{ count: calls, by: user, over: 1h, counts: §executed, gt: 3 }"),
    (Code::ExecutionsUnreported, "{ last: { before: 1d }, by: user, counts: §executed }"),
    (Code::ExecutionsUnreported, "{ count: calls, by: user, since: §executed_review, counts: asked, gt: 3 }"),
];
