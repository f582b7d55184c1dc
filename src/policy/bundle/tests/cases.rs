//! Texts with one fault each; `§` marks where it is found.

use crate::policy::Code;

type Cases = &'static [(Code, &'static str)];

pub(super) const SCOPE_CASES: Cases = &[
    (Code::Empty, "§# nothing\n"),
    (Code::YamlSyntax, "scopes: §[a:b\n"),
    (Code::YamlFeature, "scopes: &x §[a:b]\notherwise: block\n"),
    (Code::DuplicateKey, "scopes: [a:b]\notherwise: block\n§otherwise: block\n"),
    (Code::WrongShape, "§[a, b]\n"),
    (Code::Empty, "§{}\n"),
    (Code::UnknownKey, "scopes: [a:b]\notherwise: block\n§owner: me\n"),
    (Code::UnknownKey, "scopes: [a:b]\notherwise: block\n§Rules: []\n"),
    (Code::MissingKey, "§otherwise: block\n"),
    (Code::MissingKey, "§scopes: [a:b]\n"),
    (Code::WrongShape, "scopes: §a:b\notherwise: block\n"),
    (Code::Empty, "scopes: §[]\notherwise: block\n"),
    (Code::Empty, "scopes: [a:b, §~]\notherwise: block\n"),
    (Code::BadLiteral, "scopes: [a:b, §a/b]\notherwise: block\n"),
    (Code::DuplicateScope, "scopes: [a:b, §a:b]\notherwise: block\n"),
    (Code::ScopeNeverAsked, "scopes: [a:b, §prld:phone:register]\notherwise: block\n"),
    (Code::WrongShape, "scopes: [a:b]\notherwise: block\ndescription: §[a]\n"),
    (Code::WrongShape, "scopes: [a:b]\notherwise: block\nrules: §{}\n"),
    (Code::WrongShape, "scopes: [a:b]\notherwise: block\nrules: [§block]\n"),
    (Code::Empty, "scopes: [a:b]\notherwise§:\n"),
    (Code::UnknownValue, "scopes: [a:b]\notherwise: §blok\n"),
    (
        Code::OtherwiseContinues,
        "scopes: [a:b]\notherwise: §{ continue: { grant: { mode: single-use, for: 5m } } }\n",
    ),
];

pub(super) const RULE_CASES: Cases = &[
    (Code::MissingKey, "rules: [§{ when: always, then: block }]\n"),
    (Code::MissingKey, "rules: [§{ id: r, then: block }]\n"),
    (Code::MissingKey, "rules: [§{ id: r, when: always }]\n"),
    (Code::BadLiteral, "rules: [{ id: §r r, when: always, then: block }]\n"),
    (Code::ReservedRule, "rules: [{ id: §otherwise, when: always, then: block }]\n"),
    (
        Code::DuplicateRule,
        "rules:\n  - { id: r, when: { user_id: { eq: a } }, then: block }\n  - { id: §r, when: { user_id: { eq: b } }, then: block }\n",
    ),
    (Code::Empty, "rules: [{ id: r, when: always, then: block, message: §'' }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: §sometimes, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when§: , then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: §{}, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: { all: §[] }, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: { any: §[] }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { any: §{ user_id: { eq: a } } }, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: { any: [§{}] }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { not: §always }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { all: [§always] }, then: block }]\n"),
    (Code::UnknownField, "rules: [{ id: r, when: { §metadata.amonut: { eq: 1 } }, then: block }]\n"),
    (Code::UnknownField, "rules: [{ id: r, when: { §money.valeu: { eq: 1 USD } }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { user_id: §usr_1 }, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: { user_id: §{} }, then: block }]\n"),
    (Code::UnknownOperator, "rules: [{ id: r, when: { user_id: { §equals: usr_1 } }, then: block }]\n"),
    (Code::UnknownOperator, "rules: [{ id: r, when: { scope: { §in_list: frozen } }, then: block }]\n"),
    (Code::UnknownList, "rules: [{ id: r, when: { user_id: { in_list: §frozen } }, then: block }]\n"),
    (Code::UnknownOperator, "rules: [{ id: r, when: { user_id: { §present: true } }, then: block }]\n"),
    (Code::UnknownOperator, "rules: [{ id: r, when: { metadata.amount: { §contains: 1 } }, then: block }]\n"),
    (Code::UnknownOperator, "rules: [{ id: r, when: { signals.ip: { §eq: 192.0.2.1 } }, then: block }]\n"),
    (
        Code::UnknownOperator,
        "rules: [{ id: r, when: { signals.platform: { §contains: W } }, then: block }]\n",
    ),
    (Code::BadLiteral, "rules: [{ id: r, when: { metadata.amount: { gte: §1e3 } }, then: block }]\n"),
    (Code::BadLiteral, "rules: [{ id: r, when: { metadata.amount: { gte: §-1 } }, then: block }]\n"),
    (Code::BadLiteral, "rules: [{ id: r, when: { metadata.amount: { gte: §1_000 } }, then: block }]\n"),
    (Code::Empty, "rules: [{ id: r, when: { metadata.amount: { gte: §null } }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { metadata.amount: { between: §[1] } }, then: block }]\n"),
    (Code::OutOfRange, "rules: [{ id: r, when: { metadata.amount: { between: §[2, 1] } }, then: block }]\n"),
    (Code::BadLiteral, "rules: [{ id: r, when: { money.value: { gte: §10000 } }, then: block }]\n"),
    (
        Code::CurrencyNotCovered,
        "rules: [{ id: r, when: { money.value: { gte: §10000 USD } }, then: block }]\n",
    ),
    (
        Code::CurrencyNotCovered,
        "rules: [{ id: r, when: { money.value: { gte: [1 USD, 1 EUR, §1 GBP] } }, then: block }]\n",
    ),
    (
        Code::DuplicateItem,
        "rules: [{ id: r, when: { money.value: { gte: [1 USD, 1 EUR, §2 USD] } }, then: block }]\n",
    ),
    (
        Code::CurrencyNotCovered,
        "rules: [{ id: r, when: { money.value: { between: §[1 USD, 2 USD] } }, then: block }]\n",
    ),
    (
        Code::BadLiteral,
        "rules: [{ id: r, when: { money.value: { between: [[1 USD, 2 USD], §[1 EUR, 2 USD]] } }, then: block }]\n",
    ),
    (
        Code::OutOfRange,
        "rules: [{ id: r, when: { money.value: { between: [[1 USD, 2 USD], §[2 EUR, 1 EUR]] } }, then: block }]\n",
    ),
    (Code::UnknownValue, "rules: [{ id: r, when: { metadata.currency: { eq: §USDT } }, then: block }]\n"),
    (
        Code::UnknownValue,
        "rules: [{ id: r, when: { metadata.currency: { in: [USD, §usd] } }, then: block }]\n",
    ),
    (
        Code::DuplicateItem,
        "rules: [{ id: r, when: { metadata.currency: { in: [USD, §USD] } }, then: block }]\n",
    ),
    (Code::Empty, "rules: [{ id: r, when: { metadata.currency: { in: §[] } }, then: block }]\n"),
    (Code::WrongShape, "rules: [{ id: r, when: { metadata.currency: { in: §USD } }, then: block }]\n"),
    (Code::UnknownValue, "rules: [{ id: r, when: { metadata.payee: { eq: §de12 } }, then: block }]\n"),
    (Code::UnknownValue, "rules: [{ id: r, when: { metadata.payee: { starts_with: §de } }, then: block }]\n"),
    (Code::BadLiteral, "rules: [{ id: r, when: { metadata.payee: { matches: §'(' } }, then: block }]\n"),
    (Code::AlwaysPresent, "rules: [{ id: r, when: { metadata.payee: { §present: true } }, then: block }]\n"),
    (Code::BadLiteral, "rules: [{ id: r, when: { metadata.note: { present: §yes } }, then: block }]\n"),
    (Code::IfAbsentMissing, "rules: [{ id: r, when: { §metadata.note: { eq: gift } }, then: block }]\n"),
    (
        Code::IfAbsentUnused,
        "rules: [{ id: r, if_absent: §match, when: { metadata.payee: { eq: A } }, then: block }]\n",
    ),
    (
        Code::IfAbsentUnused,
        "rules: [{ id: r, if_absent: §match, when: { metadata.note: { present: true } }, then: block }]\n",
    ),
    (Code::IfAbsentUnused, "rules: [{ id: r, if_absent: §match, when: always, then: block }]\n"),
    (
        Code::UnknownValue,
        "rules: [{ id: r, if_absent: §maybe, when: { user_id: { eq: A } }, then: block }]\n",
    ),
    (
        Code::BadLiteral,
        "rules: [{ id: r, when: { signals.ip: { in_cidr: §198.51.100.7/24 } }, then: block }]\n",
    ),
    (Code::BadLiteral, "rules: [{ id: r, when: { signals.ip: { in_cidr: [§office] } }, then: block }]\n"),
    (Code::UnknownValue, "rules: [{ id: r, when: { signals.platform: { eq: §Web } }, then: block }]\n"),
    (Code::UnknownScope, "rules: [{ id: r, when: { scope: { eq: §a:d } }, then: block }]\n"),
    (Code::UnknownKey, "rules: [{ id: r, when: { identifiers.any: { §domain: x.org } }, then: block }]\n"),
    (Code::UnknownValue, "rules: [{ id: r, when: { identifiers.any: { type: §email } }, then: block }]\n"),
    (
        Code::UnknownValue,
        "rules: [{ id: r, when: { identifiers.any: { email_domain: §'@x.org' } }, then: block }]\n",
    ),
    (
        Code::UnknownValue,
        "rules: [{ id: r, when: { identifiers.any: { phone_prefix: §0033 } }, then: block }]\n",
    ),
    (
        Code::Contradiction,
        "rules: [{ id: r, when: { identifiers.any: §{ type: phone_number, email_domain: x.org } }, then: block }]\n",
    ),
    (
        Code::Contradiction,
        "rules: [{ id: r, when: { identifiers.every: §{ phone_prefix: +33, email_domain: x.org } }, then: block }]\n",
    ),
    (Code::BadLiteral, "rules: [{ id: r, when: { identifiers.count: { gt: §1.5 } }, then: block }]\n"),
    (Code::NeverMatches, "rules: [{ id: §r, when: { metadata.amount: { gt: 10, lt: 5 } }, then: block }]\n"),
    (Code::NeverMatches, "rules: [{ id: §r, when: { metadata.amount: { lt: 1 } }, then: block }]\n"),
    (
        Code::UnknownValue,
        "rules: [{ id: r, when: { signals.user_agent: { family: [bot, §mobile] } }, then: block }]\n",
    ),
    (
        Code::DuplicateItem,
        "rules: [{ id: r, when: { signals.user_agent: { family: [bot, §bot] } }, then: block }]\n",
    ),
    (Code::UnknownOperator, "rules: [{ id: r, when: { user_id: { §family: bot } }, then: block }]\n"),
    (
        Code::NeverMatches,
        "rules: [{ id: r, when: always, then: block }, { id: §s, when: { user_id: { eq: a } }, then: block }]\n",
    ),
    (
        Code::NativeContinues,
        "rules: [{ id: §r, when: { user_id: { eq: a } }, then: { continue: { grant: { mode: single-use, for: 5m } } } }]\n",
    ),
    (
        Code::PlatformSoftens,
        "rules: [{ id: §r, when: { signals.platform: { eq: IOS } }, then: block }, { id: s, when: { user_id: { eq: a } }, then: { review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_sms, expires_in: 5m }] } } }]\n",
    ),
    (
        Code::ContinueAboveBlock,
        "rules:\n  - { id: §r, when: { metadata.currency: { eq: USD } }, then: { continue: { grant: { mode: single-use, for: 5m } } } }\n  - { id: s, when: { metadata.currency: { eq: EUR }, user_id: { eq: b } }, then: block }\n  - { id: t, when: { user_id: { eq: a } }, then: block }\n",
    ),
    (
        Code::UnknownRule,
        "rules: [{ id: r, when: { user_id: { eq: a } }, then: { continue: { grant: { mode: single-use, for: 5m } } }, overrides: [§t] }]\n",
    ),
    (
        Code::OverridesNothing,
        "rules:\n  - { id: r, when: { user_id: { eq: a } }, then: block }\n  - { id: s, when: { user_id: { eq: b } }, then: { continue: { grant: { mode: single-use, for: 5m } } }, overrides: [§r] }\n",
    ),
    (
        Code::OverridesNothing,
        "rules:\n  - { id: r, when: { user_id: { eq: a } }, then: block, overrides: [§s] }\n  - { id: s, when: { user_id: { eq: b } }, then: block }\n",
    ),
    (
        Code::OmissionSoftens,
        "rules:\n  - { id: §r, if_absent: no_match, when: { metadata.note: { eq: x } }, then: block }\n  - { id: s, when: always, then: { continue: { grant: { mode: single-use, for: 5m } } } }\n",
    ),
    (
        Code::GrantMode,
        "rules:\n  - { id: r, when: { metadata.amount: { gt: 5 } }, then: { continue: { grant: { mode: §session-bound, for: 5m } } } }\n",
    ),
];

pub(super) const METADATA_CASES: Cases = &[
    (Code::Empty, "metadata: §{}\n"),
    (Code::WrongShape, "metadata: §[a]\nmoney: { v: { amount: metadata.a, currency: metadata.c } }\n"),
    (Code::MissingKey, "metadata: { a: §{ optional: true } }\n"),
    (Code::UnknownValue, "metadata: { a: { type: §number } }\n"),
    (Code::UnknownKey, "metadata: { a: { type: decimal, §one_of: [1] } }\n"),
    (Code::UnknownKey, "metadata: { a: { type: string, §min: 1 } }\n"),
    (Code::UnknownKey, "metadata: { a: { type: string, §requird: true } }\n"),
    (Code::BadLiteral, "metadata: { a: { type: string, optional: §yes } }\n"),
    (Code::BadLiteral, "metadata: { a: { type: decimal, min: §-1 } }\n"),
    (Code::OutOfRange, "metadata: { a: { type: decimal, min: 2, max: §1 } }\n"),
    (Code::OutOfRange, "metadata: { a: { type: decimal, max_scale: §29 } }\n"),
    (Code::BadLiteral, "metadata: { a: { type: decimal, max_scale: §2.0 } }\n"),
    (Code::OutOfRange, "metadata: { a: { type: string, max_chars: §33 } }\n"),
    (Code::OutOfRange, "metadata: { identifier: { type: string, max_chars: §321 } }\n"),
    (Code::UnknownValue, "metadata: { a: { type: string, normalise: [trim, §lowercase] } }\n"),
    (Code::DuplicateItem, "metadata: { a: { type: string, normalise: [trim, §trim] } }\n"),
    (Code::Contradiction, "metadata: { a: { type: string, normalise: §[lower, upper] } }\n"),
    (Code::BadLiteral, "metadata: { a: { type: string, matches: §'[' } }\n"),
    (Code::DuplicateItem, "metadata: { a: { type: string, one_of: [x, §x] } }\n"),
    (Code::UnknownValue, "metadata: { a: { type: string, normalise: upper, one_of: [X, §y] } }\n"),
    (Code::UnknownValue, "metadata: { a: { type: string, matches: '[a-c]', one_of: [a, §d] } }\n"),
    (Code::UnknownValue, "metadata: { a: { type: string, max_chars: 1, one_of: [a, §bc] } }\n"),
    (Code::MetadataLimit, "metadata: { §abcdefghijklm: { type: string } }\n"),
    (Code::MetadataLimit, "metadata: { ab: { type: string }, §'c d': { type: string } }\n"),
    (
        Code::MetadataLimit,
        "metadata:\n  a: { type: string }\n  b: { type: string }\n  c: { type: string }\n  d: { type: string }\n  e: { type: string }\n  §f: { type: string }\n",
    ),
    (
        Code::UnknownKey,
        "metadata: { a: { type: decimal }, c: { type: string, one_of: [USD] } }\nmoney: { v: { amount: metadata.a, currency: metadata.c, §rate: 1 } }\n",
    ),
    (Code::MissingKey, "metadata: { a: { type: decimal } }\nmoney: { v: §{ amount: metadata.a } }\n"),
    (
        Code::UnknownField,
        "metadata: { a: { type: decimal }, c: { type: string, one_of: [USD] } }\nmoney: { v: { amount: §metadata.b, currency: metadata.c } }\n",
    ),
    (
        Code::MoneyField,
        "metadata: { a: { type: string }, c: { type: string, one_of: [USD] } }\nmoney: { v: { amount: §metadata.a, currency: metadata.c } }\n",
    ),
    (
        Code::MoneyField,
        "metadata: { a: { type: decimal }, c: { type: string } }\nmoney: { v: { amount: metadata.a, currency: §metadata.c } }\n",
    ),
    (
        Code::MoneyField,
        "metadata: { a: { type: decimal }, c: { type: string, one_of: [USD, eur] } }\nmoney: { v: { amount: metadata.a, currency: §metadata.c } }\n",
    ),
    (
        Code::BadLiteral,
        "metadata: { a: { type: decimal }, c: { type: string, one_of: [USD] } }\nmoney: { §v.w: { amount: metadata.a, currency: metadata.c } }\n",
    ),
];

pub(super) const PLAN_CASES: Cases = &[
    (Code::UnknownValue, "scopes: [a:b]\notherwise: §continue\n"),
    (Code::UnknownValue, "scopes: [a:b]\notherwise: §review\n"),
    (
        Code::WrongShape,
        "scopes: [a:b]\notherwise: { continue: { grant: { mode: single-use, for: 5m } }, §review: {} }\n",
    ),
    (Code::MissingKey, "scopes: [a:b]\notherwise: { review: §{ steps: [kyc_review] } }\n"),
    (Code::MissingKey, "scopes: [a:b]\notherwise: { review: §{ grant: { mode: single-use, for: 5m } } }\n"),
    (
        Code::Empty,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: §[] } }\n",
    ),
    (
        Code::UnknownValue,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: §single, for: 5m }, steps: [kyc_review] } }\n",
    ),
    (
        Code::OutOfRange,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: §25h }, steps: [kyc_review] } }\n",
    ),
    (
        Code::BadLiteral,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: §300 }, steps: [kyc_review] } }\n",
    ),
    (
        Code::UnknownStep,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [§kyc_reviev] } }\n",
    ),
    (
        Code::MissingKey,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [§verify_sms] } }\n",
    ),
    (
        Code::MissingKey,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [{ first_of: [kyc_review, §verify_sms] }] } }\n",
    ),
    (
        Code::MissingKey,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [§{ expires_in: 5m }] } }\n",
    ),
    (
        Code::UnknownKey,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [{ step: kyc_review, §expires: 5m }] } }\n",
    ),
    (
        Code::StepRepeated,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review, §kyc_review] } }\n",
    ),
    (
        Code::StepRepeated,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: [{ first_of: [verify_sms, verify_email], expires_in: 5m }, { first_of: [kyc_review, §verify_sms], expires_in: 5m }] } }\n",
    ),
    (
        Code::NotWalkable,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, §steps: [kyc_review, { step: video_call, expires_in: 5m }] } }\n",
    ),
    (
        Code::ElseContinues,
        "scopes: [a:b]\nrules: [{ id: r, when: { user_id: { eq: a } }, then: { review: { grant: { mode: single-use, for: 5m }, steps: [kyc_review], §else: { continue: { grant: { mode: single-use, for: 5m } } } } } }]\notherwise: block\n",
    ),
    (
        Code::Limit,
        "scopes: [a:b]\notherwise: { review: { grant: { mode: single-use, for: 5m }, steps: §[a, b, c, d, e, f, g, h, i, j, k] } }\n",
    ),
    (
        Code::GrantMode,
        "scopes: ['prld:passkey:write']\notherwise: { review: { grant: { mode: §single-use, for: 5m }, steps: [kyc_review] } }\n",
    ),
];

pub(super) const STEPS_CASES: Cases = &[
    (Code::UnknownKey, "§steps: { a: b }\n"),
    (
        Code::UnknownKey,
        "custom: { a: { description: d, approved_by: [backend], without_verdict: true, §approval_valid: 7d } }\n",
    ),
    (
        Code::OutOfRange,
        "custom: { a: { description: d, approved_by: [backend], approval_valid_for: §366d } }\n",
    ),
    (Code::MissingKey, "custom: { a: §{ description: d } }\n"),
    (Code::MissingKey, "custom: { a: §{ approved_by: [backend] } }\n"),
    (Code::ReservedStep, "custom: { §completed: { description: d, approved_by: [backend] } }\n"),
    (Code::ReservedStep, "custom: { §first_of: { description: d, approved_by: [backend] } }\n"),
    (Code::ReservedStep, "custom: { §expires_in: { description: d, approved_by: [backend] } }\n"),
    (Code::ReservedStep, "custom: { §Verify_SMS: { description: d, approved_by: [backend] } }\n"),
    (Code::BadLiteral, "custom: { §'a b': { description: d, approved_by: [backend] } }\n"),
    (Code::UnknownValue, "custom: { a: { description: d, approved_by: [§support] } }\n"),
    (Code::Empty, "custom: { a: { description: d, approved_by: §[] } }\n"),
    (Code::DuplicateItem, "custom: { a: { description: d, approved_by: [person, §person] } }\n"),
    (Code::UnknownValue, "custom: { a: { description: d, approved_by: [person], platforms: [§web] } }\n"),
    (Code::Empty, "custom: { a: { description: d, approved_by: [person], platforms: §[] } }\n"),
    (Code::OutOfRange, "custom: { a: { description: d, approved_by: [person], expires_in: §7d } }\n"),
    (Code::OutOfRange, "custom: { a: { description: d, approved_by: [person], token_ttl: §2h } }\n"),
    (Code::BadLiteral, "custom: { a: { description: d, approved_by: [person], without_verdict: §no } }\n"),
    (Code::StepUnused, "custom: { §a: { description: d, approved_by: [person] } }\n"),
    (Code::UnknownStep, "managed: { §verify_pass: { platforms: [WEB] } }\n"),
    (Code::WrongShape, "managed: { verify_sms: { platforms: [WEB] }, verify_email: §[WEB] }\n"),
];

pub(super) const ALWAYS_CASES: Cases = &[
    (Code::MissingKey, "§description: d\n"),
    (Code::UnknownKey, "rules: []\n§otherwise: block\n"),
    (Code::UnknownKey, "rules: [{ id: r, when: always, then: block, §overrides: [own] }]\n"),
    (Code::AlwaysReadsMetadata, "rules: [{ id: r, when: { §metadata.amount: { gt: 1 } }, then: block }]\n"),
    (
        Code::AlwaysReadsMetadata,
        "rules: [{ id: r, when: { not: { §money.value: { gt: 1 USD } } }, then: block }]\n",
    ),
    (
        Code::AlwaysOnlyBlocks,
        "rules: [{ id: r, when: { user_id: { eq: a } }, then: §{ continue: { grant: { mode: single-use, for: 5m } } } }]\n",
    ),
    (Code::UnknownScope, "rules: [{ id: r, when: { scope: { in: [a:b, §a:c] } }, then: block }]\n"),
    (Code::UnknownField, "rules: [{ id: r, when: { §signals.country: { eq: FR } }, then: block }]\n"),
];
