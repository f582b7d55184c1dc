use super::*;

const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// Metadata as names and values.
type Given<'a> = &'a [(&'a str, &'a str)];

fn fields(fields: Given<'_>) -> FieldKeys {
    fields.iter().map(|(name, value)| ((*name).into(), SubjectKey::new(value.as_bytes()))).collect()
}

fn spending(of: Given<'_>) -> Spending {
    Spending {
        api_key_id: ApiKeyId::new("k").expect("an id"),
        user_id: UserId::new("u").expect("a user"),
        user_key: SubjectKey::new(*b"u"),
        scope: Scope::new("a:b").expect("a scope"),
        fields: fields(of),
        metadata_digest: [1; 32],
    }
}

fn at(seconds: u64) -> Timestamp {
    START.plus(std::time::Duration::from_secs(seconds))
}

/// Grant `n`, which ends so many seconds after the start.
fn grant(n: u8, ends: u64, of: Given<'_>) -> GrantFound {
    GrantFound {
        decision_id: DecisionId::new(START, [n; 10]),
        verdict: VerdictKind::Continue,
        received_at: START,
        usable_until: at(ends),
        fields: fields(of),
        metadata_digest: [n; 32],
        unproved: None,
        redeemed_at: None,
    }
}

fn spent(grant: GrantFound) -> GrantFound {
    GrantFound { redeemed_at: Some(at(1)), ..grant }
}

fn unproved(grant: GrantFound) -> GrantFound {
    let step = StepKey::new("kyc_review").expect("a step");
    GrantFound { verdict: VerdictKind::Review, unproved: Some(step), ..grant }
}

fn differs(names: &[&str]) -> NotSpent {
    NotSpent::Differs(names.iter().map(|name| (*name).into()).collect())
}

/// Which grant is spent, by its number, or why none is.
fn check(wanted: Given<'_>, grants: &[GrantFound], expected: &Result<u8, NotSpent>) {
    let wanted = spending(wanted);
    let picked = |grants: &[GrantFound]| wanted.pick(grants).map(|grant| grant.metadata_digest[0]);
    assert_eq!(picked(grants), *expected, "{grants:?}");
    let backwards: Vec<_> = grants.iter().rev().cloned().collect();
    assert_eq!(picked(&backwards), *expected, "the other way round");
}

#[test]
fn the_grant_that_ends_first_is_spent_first() {
    let same = [("amount", "10")];
    check(&same, &[grant(2, 60, &same), grant(3, 30, &same), grant(4, 90, &same)], &Ok(3));
    check(&same, &[grant(2, 60, &same), spent(grant(3, 30, &same))], &Ok(2));
    check(&same, &[grant(2, 60, &same), unproved(grant(3, 30, &same))], &Ok(2));
}

#[test]
fn a_field_differs_by_its_value_or_by_being_there() {
    let wanted = [("amount", "10"), ("payee", "X")];
    let cases: [(Given<'_>, &[&str]); 5] = [
        (&[("amount", "11"), ("payee", "X")], &["amount"]),
        (&[("amount", "10")], &["payee"]),
        (&[("amount", "10"), ("payee", "X"), ("note", "")], &["note"]),
        (&[], &["amount", "payee"]),
        (&[("payee", "10"), ("amount", "X")], &["amount", "payee"]),
    ];
    for (decided, names) in cases {
        check(&wanted, &[grant(2, 60, decided)], &Err(differs(names)));
    }
    check(&[], &[grant(2, 60, &[("amount", "10")])], &Err(differs(&["amount"])));
    check(&[], &[grant(2, 60, &[])], &Ok(2));
}

/// A policy that came into force meanwhile does not make other values of what was decided.
#[test]
fn what_came_exactly_so_is_the_same() {
    check(&[("amount", "10")], &[grant(1, 60, &[("amount", "ten")])], &Ok(1));
}

#[test]
fn the_nearest_verdict_in_force_tells_what_differs() {
    let wanted = [("amount", "10"), ("payee", "X")];
    let far = grant(2, 60, &[("amount", "11"), ("payee", "Y")]);
    let near = grant(3, 60, &[("amount", "12"), ("payee", "X")]);
    check(&wanted, &[far.clone(), near.clone()], &Err(differs(&["amount"])));
    check(&wanted, &[far.clone(), unproved(near.clone())], &Err(differs(&["amount"])));
    check(&wanted, &[far, spent(near.clone())], &Err(differs(&["amount", "payee"])));
    check(&wanted, &[spent(near)], &Err(NotSpent::NotGranted));
    check(&wanted, &[], &Err(NotSpent::NotGranted));
}

#[test]
fn what_was_spent_is_told_before_what_is_not_proved_and_that_before_what_differs() {
    let same = [("amount", "10")];
    let already = |n: u8| NotSpent::AlreadyRedeemed {
        decision_id: DecisionId::new(START, [n; 10]),
        redeemed_at: at(1),
    };
    let step = || NotSpent::Unproved(StepKey::new("kyc_review").expect("a step"));
    check(&same, &[spent(grant(2, 60, &same))], &Err(already(2)));
    check(&same, &[spent(grant(2, 60, &same)), spent(grant(3, 60, &same))], &Err(already(3)));
    check(&same, &[unproved(grant(3, 60, &same)), spent(grant(2, 60, &same))], &Err(already(2)));
    check(&same, &[unproved(grant(3, 60, &same)), grant(2, 60, &[])], &Err(step()));
    check(&same, &[spent(grant(2, 60, &same)), grant(3, 60, &[])], &Err(already(2)));
}

#[test]
fn words_name_fields_and_no_values() {
    assert_eq!(
        differs(&["amount", "payee"]).to_string(),
        "the verdict in force differs in `amount`, `payee`"
    );
}
