use super::is_softer;
use crate::policy::Bundle;
use crate::policy::sample::{Asking, line, request, scope_bundle};

/// A bundle that answers everybody with this outcome.
fn answering(outcome: &str) -> Bundle {
    scope_bundle(&format!("scopes: [a:b]\notherwise: {outcome}\n"))
}

fn review(steps: &str, rest: &str) -> String {
    format!("{{ review: {{ grant: {{ mode: session-bound, for: 90s }}, steps: {steps}{rest} }} }}")
}

#[test]
fn a_plan_is_answered_only_to_those_who_can_walk_it() {
    let first = "[{ first_of: [verify_passkey, verify_sms, verify_email], expires_in: 5m }, kyc_review]";
    let native = "[{ step: video_call, expires_in: 1h }]";
    let alternative = ", else: { review: { grant: { mode: single-use, for: 5m }, steps: [{ step: verify_email, expires_in: 5m }] } }";
    let phone = || request("a:b").with_phone();
    let email = || request("a:b").with_email();
    let sms_kyc = "review session-bound 90 [verify_sms:300 kyc_review:86400] / - / otherwise";
    let cases = [
        (review(first, ""), phone(), sms_kyc),
        (
            review(first, ""),
            email(),
            "review session-bound 90 [verify_email:300 kyc_review:86400] / - / otherwise",
        ),
        (review(first, ""), phone().with_email(), sms_kyc),
        (review(first, ""), request("a:b"), "block / - / plan_not_walkable"),
        (review(first, ""), phone().with_platform("IOS"), "block / - / plan_not_walkable"),
        (review(first, ""), phone().with_platform("TV"), "block / - / plan_not_walkable"),
        (review(native, ""), request("a:b"), "block / - / plan_not_walkable"),
        (
            review(native, ""),
            request("a:b").with_platform("ANDROID"),
            "review session-bound 90 [video_call:3600] / - / otherwise",
        ),
        (
            review(native, ""),
            request("a:b").with_platform("TV"),
            "review session-bound 90 [video_call:3600] / - / otherwise",
        ),
        (
            review(native, alternative),
            email(),
            "review single-use 300 [verify_email:300] / - / plan_not_walkable",
        ),
        (review(native, alternative), phone(), "block / - / plan_not_walkable"),
        (
            review("[{ first_of: [verify_passkey, verify_sms], expires_in: 5m }]", ""),
            phone().with_platform("IOS"),
            "review session-bound 90 [verify_passkey:300] / - / otherwise",
        ),
        (
            review("[{ step: kyc_review, expires_in: 10m }]", ""),
            request("a:b"),
            "review session-bound 90 [kyc_review:600] / - / otherwise",
        ),
    ];
    for (outcome, facts, expected) in cases {
        let decision = answering(&outcome).decide_alone(&facts);
        assert_eq!(line(&decision), expected, "{outcome} {facts:?}");
    }
}

#[test]
fn softer_is_an_order_of_what_users_gain() {
    let grant = |mode: &str, time: &str| format!("grant: {{ mode: {mode}, for: {time} }}");
    let review = |grant: &str, steps: &str| format!("{{ review: {{ {grant}, steps: [{steps}] }} }}");
    let short = grant("single-use", "5m");
    let sms = "{ step: verify_sms, expires_in: 5m }";
    let email = "{ step: verify_email, expires_in: 5m }";
    let go = format!("{{ continue: {{ {short} }} }}");
    let go_longer = format!("{{ continue: {{ {} }} }}", grant("single-use", "6m"));
    let go_wider = format!("{{ continue: {{ {} }} }}", grant("session-bound", "5m"));
    let one = review(&short, sms);
    let other = review(&short, email);
    let two = review(&short, &format!("{sms}, {email}"));
    let turned = review(&short, &format!("{email}, {sms}"));
    let longer = review(&grant("single-use", "6m"), sms);
    let wider = review(&grant("profile-bound", "5m"), sms);
    let first = review(&short, "{ first_of: [verify_sms, verify_email], expires_in: 5m }");
    let kyc = review(&short, "kyc_review");
    let kyc_twice = review(&short, "kyc_review, second_look");
    let block = "block".to_owned();
    // (new, old, whether new is softer, whether old is softer)
    let cases = [
        (&go, &one, true, false),
        (&go, &block, true, false),
        (&one, &block, true, false),
        (&block, &block, false, false),
        (&go, &go, false, false),
        (&go_longer, &go, true, false),
        (&go_wider, &go, true, false),
        (&one, &two, true, false),
        (&turned, &two, false, false),
        (&one, &other, true, true),
        (&longer, &one, true, false),
        (&wider, &one, true, false),
        (&longer, &two, true, false),
        // The same users can walk both, so that only the missing step makes the difference.
        (&kyc, &kyc_twice, true, false),
        // Whoever has a phone gets the same; whoever has not was blocked and now is not.
        (&first, &one, true, false),
    ];
    let outcome = |text: &str| {
        let bundle = answering(text);
        let scope = crate::domain::Scope::new("a:b").expect("a scope");
        bundle.policy(&scope).expect("covered").otherwise.clone()
    };
    for (new, old, forth, back) in cases {
        let (a, b) = (outcome(new), outcome(old));
        assert_eq!((is_softer(&a, &b), is_softer(&b, &a)), (forth, back), "{new}\n{old}");
    }
}
