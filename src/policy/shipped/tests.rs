use super::shipped;
use crate::policy::sample::{Asking, NOW, line, request};
use crate::policy::{Bundle, Suite, load_dir, load_files, load_recorded};

fn bundle() -> Bundle {
    load_files(shipped(), NOW).unwrap_or_else(|faults| panic!("{faults}"))
}

fn transfer(amount: &str, currency: &str) -> crate::domain::Facts {
    request("transfer:write").with_metadata(&[("amount", amount), ("currency", currency)])
}

#[test]
fn the_shipped_bundle_loads_without_a_warning() {
    assert_eq!(bundle().warnings().to_string(), "");
}

#[test]
fn the_embedded_files_are_those_of_the_directory() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let from_dir = load_dir(&dir, NOW).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(from_dir.hash(), bundle().hash());
}

#[test]
fn a_bundle_can_be_rebuilt_from_its_text() {
    let bundle = bundle();
    let again = load_recorded(bundle.text()).expect("it loaded before");
    assert_eq!((again.hash(), again.text()), (bundle.hash(), bundle.text()));
}

#[test]
fn every_shipped_rule_decides_as_its_comment_says() {
    let sms = "review single-use 300 [verify_sms:600]";
    let cases = [
        (transfer("20", "USD").with_phone(), "continue single-use 300 / small / rule_matched".to_owned()),
        (transfer("20", "USD").with_phone().with_platform("IOS"), format!("{sms} / ordinary / rule_matched")),
        (transfer("50", "USD").with_phone(), format!("{sms} / ordinary / rule_matched")),
        (transfer("40", "GBP").with_phone(), format!("{sms} / ordinary / rule_matched")),
        (transfer("9999.99", "USD").with_phone(), format!("{sms} / ordinary / rule_matched")),
        (
            transfer("15000", "USD").with_phone(),
            "review single-use 300 [verify_sms:600 kyc_review:86400] / large / rule_matched".to_owned(),
        ),
        (
            transfer("9000", "EUR").with_email(),
            "review single-use 300 [verify_email:600 kyc_review:86400] / large / rule_matched".to_owned(),
        ),
        (transfer("15000", "USD"), "block / large / plan_not_walkable".to_owned()),
        (
            transfer("15000", "USD").with_phone().with_platform("IOS"),
            "block / large / plan_not_walkable".to_owned(),
        ),
        (transfer("20", "USD").with_ip("198.51.100.7"), "block / blocked-network / rule_matched".to_owned()),
        (transfer("1e4", "USD"), "block / - / metadata.amount: not a decimal".to_owned()),
        (request("transfer:read"), "block / - / scope_not_covered".to_owned()),
        (
            request("prld:pwd:write").with_phone().with_email(),
            "review single-use 600 [verify_email:600 verify_sms:600] / two-ways / rule_matched".to_owned(),
        ),
        (
            request("prld:pwd:write").with_email(),
            "review single-use 600 [verify_email:600] / one-way / rule_matched".to_owned(),
        ),
        (
            request("profile.phone:write").with_email().with_phone(),
            "review single-use 600 [verify_email:600] / new-phone / rule_matched".to_owned(),
        ),
        (
            request("profile.email:write").with_email().with_phone(),
            "review single-use 600 [verify_sms:600] / new-email / rule_matched".to_owned(),
        ),
        (
            request("profile.email:write"),
            "review single-use 600 [kyc_review:86400] / nothing-to-verify-with / rule_matched".to_owned(),
        ),
    ];
    let bundle = bundle();
    for (facts, expected) in cases {
        assert_eq!(line(&bundle.decide_alone(&facts)), expected, "{facts:?}");
    }
}

#[test]
fn a_frozen_user_is_blocked_whatever_they_ask_for() {
    let files = shipped().into_iter().map(|(name, text)| {
        let is_list = name == "lists/frozen-users.txt";
        (name, if is_list { format!("{text}usr_test until=2026-09-21\n") } else { text.to_owned() })
    });
    let bundle = load_files(files, NOW).unwrap_or_else(|faults| panic!("{faults}"));
    for facts in [transfer("20", "USD"), request("prld:pwd:write"), request("profile.email:write")] {
        assert_eq!(line(&bundle.decide_alone(&facts)), "block / frozen / rule_matched");
    }
    let mut later = transfer("20", "USD");
    later.received_at = crate::domain::Timestamp::from_unix_seconds(1_790_035_200);
    assert_eq!(line(&bundle.decide_alone(&later)), "continue single-use 300 / small / rule_matched");
}

#[test]
fn the_record_shows_what_was_seen() {
    let decision = bundle().decide_alone(&transfer("20.00", "USD").with_phone());
    assert_eq!(
        decision.seen.values_json,
        r#"{"user_id":"usr_test","signals.ip":"192.0.2.0/24","signals.platform":"WEB","money.value":"20.00 USD"}"#
    );
    assert_eq!(decision.seen.outcomes, "00011");
}

#[test]
fn every_bundle_that_comes_along_is_clean_and_its_tests_reach_every_part() {
    for dir in ["policies", "examples/minimal", "examples/bank", "examples/web/policies"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        let bundle = load_dir(&path, NOW).unwrap_or_else(|faults| panic!("{dir}: {faults}"));
        assert_eq!(bundle.warnings().to_string(), "", "{dir}");
        let suite = Suite::load_dir(&path, &bundle).unwrap_or_else(|faults| panic!("{dir}: {faults}"));
        let report = suite.run(&bundle);
        assert!(report.is_as_expected() && report.percent_covered() == 100, "{dir}: {report}");
    }
}
