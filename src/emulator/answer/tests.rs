//! Good answers pass; each planted fault gets Prelude's name for it.

use super::*;

const GOOD_REVIEW: &str = concat!(
    r#"{"status":"review","granted_for":300,"grant_mode":"single-use","#,
    r#""steps":[{"order":1,"key":"verify_sms","expiration_duration":600},"#,
    r#"{"order":2,"key":"kyc_review","expiration_duration":3600}]}"#
);
const GOOD_CONTINUE: &str = r#"{"status":"continue","granted_for":300,"grant_mode":"session-bound"}"#;

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Result<Reply, NoReply> {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Ok(Reply { status, headers, body: body.into() })
}

fn judged(reply: &Result<Reply, NoReply>, scope: &str) -> Result<Answer, HookFailure> {
    // Somebody registered `completed` by mistake: it is refused all the same.
    let custom_steps = ["kyc_review".to_owned(), "completed".to_owned()];
    judge(reply, AnswerRules { scope, custom_steps: &custom_steps })
}

fn reason_of(body: impl Into<Vec<u8>>) -> Option<FailureReason> {
    judged(&reply(200, body), "transfer:write").err().map(|failure| failure.reason)
}

#[test]
fn good_answers_mean_what_they_say() {
    let grant = |mode| Grant { mode, granted_for_seconds: 300 };
    let step =
        |order, key: &str, expires_in_seconds| AskedStep { order, key: key.to_owned(), expires_in_seconds };
    let walk = vec![step(1, "verify_sms", 600), step(2, "kyc_review", 3600)];
    let check = |body: &str, expected: Answer| {
        assert_eq!(judged(&reply(200, body), "transfer:write"), Ok(expected), "{body}");
    };
    check(r#"{"status":"block"}"#, Answer::Block);
    check(GOOD_CONTINUE, Answer::Continue(grant(Mode::SessionBound)));
    check(GOOD_REVIEW, Answer::Review(grant(Mode::SingleUse), walk.clone()));
    let listed_backwards = concat!(
        r#"{"steps":[{"order":2,"key":"kyc_review","expiration_duration":3600},"#,
        r#"{"order":1,"key":"verify_sms","expiration_duration":600}],"#,
        r#""grant_mode":"single-use","granted_for":300,"status":"review"}"#
    );
    check(listed_backwards, Answer::Review(grant(Mode::SingleUse), walk));
    let longest = r#"{"status":"continue","granted_for":86400,"grant_mode":"profile-bound"}"#;
    check(longest, Answer::Continue(Grant { mode: Mode::ProfileBound, granted_for_seconds: 86_400 }));
}

/// Each row plants one fault into a good review by replacing a piece of it.
#[test]
fn faults_in_a_review_get_preludes_names() {
    use FailureReason::*;
    let rows: &[(&str, &str, FailureReason)] = &[
        (r#""review""#, r#""Review""#, InvalidStatus),
        (r#""review""#, r#""challenge""#, InvalidStatus),
        (r#""review""#, "1", InvalidStatus),
        (r#""review""#, "null", InvalidStatus),
        (r#""status":"review","#, "", InvalidStatus),
        (r#""status":"review""#, r#""status":"block","status":"review""#, ResponseDecodeFailed),
        ("]}", "]", ResponseDecodeFailed),
        ("]}", "]}}", ResponseDecodeFailed),
        (r#""granted_for":300,"#, "", InvalidGrantedFor),
        (":300,", ":0,", InvalidGrantedFor),
        (":300,", ":-1,", InvalidGrantedFor),
        (":300,", ":86401,", InvalidGrantedFor),
        (":300,", ":300.0,", InvalidGrantedFor),
        (":300,", ":3e2,", InvalidGrantedFor),
        (":300,", r#":"300","#, InvalidGrantedFor),
        (":300,", ":18446744073709551616,", InvalidGrantedFor),
        (r#""grant_mode":"single-use","#, "", InvalidGrantMode),
        ("single-use", "single_use", InvalidGrantMode),
        ("single-use", "Single-Use", InvalidGrantMode),
        (r#""single-use""#, "[]", InvalidGrantMode),
        (r#""status""#, r#""reason":"vip","status""#, InvalidResponse),
        (r#""steps""#, r#""step""#, InvalidResponse),
        (r#""order":1,"#, "", InvalidStep),
        (r#""order":1,"#, r#""order":0,"#, InvalidStep),
        (r#""order":1,"#, r#""order":2,"#, InvalidStep),
        (r#""order":1,"#, r#""order":3,"#, InvalidStep),
        (r#""order":1,"#, r#""order":1.0,"#, InvalidStep),
        (r#""order":1,"#, r#""order":"1","#, InvalidStep),
        (r#""order":1,"#, r#""order":1,"done":false,"#, InvalidStep),
        (r#""key":"kyc_review","#, "", InvalidStep),
        ("kyc_review", "", InvalidStep),
        ("kyc_review", "kyc review", InvalidStep),
        ("kyc_review", "kyc_réview", InvalidStep),
        ("kyc_review", "completed", InvalidStep),
        ("kyc_review", "unregistered", InvalidStep),
        ("kyc_review", "verify_sms", InvalidStep),
        (r#","expiration_duration":600"#, "", InvalidStep),
        (":600", ":-600", InvalidStep),
        (":600", ":86401", InvalidStep),
        (":600", ":600.5", InvalidStep),
        (":600", r#":"600""#, InvalidStep),
        (":600", r#":600,"expiration_duration":600"#, ResponseDecodeFailed),
    ];
    assert_eq!(reason_of(GOOD_REVIEW), None);
    for (piece, replacement, expected) in rows {
        assert!(GOOD_REVIEW.contains(piece), "{piece}");
        let body = GOOD_REVIEW.replacen(piece, replacement, 1);
        assert_eq!(reason_of(body.clone()), Some(*expected), "{body}");
    }
}

#[test]
fn faults_in_other_answers_get_preludes_names() {
    use FailureReason::*;
    let with_steps = |steps: &str| {
        format!(r#"{{"status":"review","granted_for":300,"grant_mode":"single-use","steps":{steps}}}"#)
    };
    let rows = [
        (GOOD_CONTINUE.replace("300", "0"), InvalidGrantedFor),
        (GOOD_CONTINUE.replace("session-bound", "forever"), InvalidGrantMode),
        (GOOD_CONTINUE.replace('}', r#","steps":[]}"#), InvalidResponse),
        (r#"{"status":"block","granted_for":300}"#.to_owned(), InvalidResponse),
        (r#"{"status":"block","reason":"sanctions"}"#.to_owned(), InvalidResponse),
        (r#"{"status":"review","granted_for":300,"grant_mode":"single-use"}"#.to_owned(), MissingSteps),
        (with_steps("[]"), MissingSteps),
        (with_steps("null"), MissingSteps),
        (with_steps("{}"), MissingSteps),
        (with_steps("[1]"), InvalidStep),
        (String::new(), ResponseDecodeFailed),
        ("null".to_owned(), ResponseDecodeFailed),
        (format!("[{GOOD_CONTINUE}]"), ResponseDecodeFailed),
        ("continue".to_owned(), ResponseDecodeFailed),
    ];
    for (body, expected) in rows {
        assert_eq!(reason_of(body.clone()), Some(expected), "{body}");
    }
}

#[test]
fn faults_of_the_envelope_come_first() {
    use FailureReason::*;
    let reason = |reply: &_| judged(reply, "transfer:write").err().map(|failure| failure.reason);
    for status in [201, 202, 204, 301, 307, 400, 401, 409, 500, 503] {
        assert_eq!(reason(&reply(status, GOOD_CONTINUE)), Some(InvalidStatusCode), "{status}");
    }
    let padded = |bytes: usize| GOOD_CONTINUE.to_owned() + &" ".repeat(bytes - GOOD_CONTINUE.len());
    assert_eq!(reason(&reply(200, padded(64 * 1024))), None);
    assert_eq!(reason(&reply(200, padded(64 * 1024 + 1))), Some(ResponseDecodeFailed));
    for (media_type, expected) in [
        ("application/json; charset=utf-8", None),
        ("Application/JSON", None),
        ("text/plain", Some(ResponseDecodeFailed)),
        ("application/problem+json", Some(ResponseDecodeFailed)),
    ] {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        assert_eq!(reason(&Ok(Reply { status: 200, headers, body: GOOD_CONTINUE.into() })), expected);
    }
    assert_eq!(reason(&Err(NoReply::TimedOut)), Some(RequestFailed));
    assert_eq!(reason(&Err(NoReply::Unreachable)), Some(RequestFailed));
}

#[test]
fn reserved_scopes_are_not_granted_for_a_single_use() {
    for (scope, mode, fine) in [
        ("prld:passkey:write", "single-use", false),
        ("prld:pwd:write", "single-use", false),
        ("prld:passkey:write", "session-bound", true),
        ("prld:pwd:write", "profile-bound", true),
    ] {
        let answer = judged(&reply(200, GOOD_CONTINUE.replace("session-bound", mode)), scope);
        assert_eq!(answer.is_ok(), fine, "{scope} {mode}");
    }
}

#[test]
fn a_failure_reads_as_reason_and_rule() {
    let failure = judged(&reply(200, r#"{"status":"maybe"}"#), "a").expect_err("a failure");
    assert_eq!(failure.to_string(), "invalid_status: status is not continue, review or block");
}
