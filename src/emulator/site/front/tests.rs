//! The session API as a page walks through it, with the customer's side played by wiremock.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::super::Unwalkable;
use super::super::super::our_side::{self, NOW, jti, our_key};
use super::super::stage::Stage;
use super::page::{Page, With, claims_of};

const PHONE: &str = "+33612345678";

const REVIEW: &str = concat!(
    r#"{"status":"review","granted_for":300,"grant_mode":"single-use","#,
    r#""steps":[{"order":1,"key":"verify_sms","expiration_duration":600},"#,
    r#"{"order":2,"key":"kyc_review","expiration_duration":3600}]}"#
);

/// A site whose scope `transfer:write` is delegated to a hook that answers so.
async fn delegated(answer: &str) -> (Stage, MockServer) {
    delegated_with(answer, Unwalkable::Refused).await
}

async fn delegated_with(answer: &str, unwalkable: Unwalkable) -> (Stage, MockServer) {
    let customer = MockServer::start().await;
    let hook = Mock::given(method("POST")).and(path("/hook"));
    let answer = ResponseTemplate::new(200).set_body_raw(answer, "application/json");
    hook.respond_with(answer).mount(&customer).await;
    let set = our_side::key_set(&[our_key().jwk()]);
    let set = ResponseTemplate::new(200).set_body_raw(set, "application/json");
    Mock::given(method("GET")).and(path("/jwks")).respond_with(set).mount(&customer).await;
    let uri = customer.uri();
    let stage = Stage::set_with(|settings| {
        settings.management.unwalkable = unwalkable;
        settings.management.scopes = vec!["transfer:write".to_owned(), "profile:write".to_owned()];
        settings.management.step_up = Some(json!({
            "jwks_url": format!("{uri}/jwks"),
            "step_keys": [{ "key": "kyc_review", "description": "" }],
            "allowed_scopes": [{
                "scope": "transfer:write", "mode": "delegated", "delegated": { "delegation_hook": format!("{uri}/hook") },
            }],
        }));
    })
    .await;
    (stage, customer)
}

async fn ask(page: &mut Page<'_>) -> Value {
    let body = json!({ "scope": "transfer:write", "metadata": { "amount": "500" } });
    let answer = page.post("/stepup/request", Some(&body), With::Bearer).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn token_of(answer: &Value) -> String {
    answer["challenge_token"].as_str().expect("a token").to_owned()
}

/// The verification token of our side for where a challenge stands.
fn minted(challenge_token: &str, number: u8) -> String {
    let claims = claims_of(challenge_token);
    let mut ours = our_side::claims(claims["challenge_id"].as_str().expect("an id"), &jti(number));
    ours["sub"] = claims["sub"].clone();
    our_key().token(&ours)
}

async fn check_code(page: &mut Page<'_>, token: &str, code: &str) -> super::super::stage::Answer {
    let body = json!({ "challenge_token": token, "code": code });
    page.post("/otp/check", Some(&body), With::ChallengeProof(token)).await
}

#[tokio::test]
async fn a_review_is_walked_to_one_access_token_with_the_scope() {
    let (stage, _customer) = delegated(REVIEW).await;
    let mut page = Page::open(&stage);
    page.log_in("phone_number", PHONE).await;
    assert_eq!(page.scopes(), "");
    let asked = ask(&mut page).await;
    assert_eq!(asked["status"], "review");
    let first = token_of(&asked);
    let early = page.refresh(Some(&first)).await;
    assert_eq!(early.refusal(), (400, "step_not_completed"));
    assert_eq!(
        check_code(&mut page, &first, "123456").await.refusal(),
        (401, "unauthorized"),
        "none was sent"
    );
    let sent = page.post("/otp", Some(&json!({ "challenge_token": first })), With::Nothing).await;
    assert_eq!(sent.status, 200);
    assert_eq!(page.post("/otp/retry", None, With::Nothing).await.status, 204);
    assert_eq!(check_code(&mut page, &first, "000000").await.refusal(), (400, "bad_check_code"));
    let second = token_of(&check_code(&mut page, &first, "123456").await.body);
    assert_eq!(claims_of(&second)["current_step"], "kyc_review");
    let body = json!({ "challenge_token": second, "verification_token": minted(&second, 1) });
    let last = page.post("/stepup/continue", Some(&body), With::ChallengeProof(&second)).await;
    let last = token_of(&last.body);
    assert_eq!(claims_of(&last)["current_step"], "completed");
    assert_eq!(page.refresh(Some(&last)).await.status, 200);
    assert_eq!(page.scopes(), "transfer:write");
    assert_eq!(page.refresh(Some(&last)).await.refusal(), (400, "token_reused"));
    assert_eq!(page.refresh(None).await.status, 200);
    assert_eq!(page.scopes(), "", "a single use is in one token");
    let codes = stage.journal("code_sent").await;
    assert_eq!(codes.iter().map(|code| &code["to"]).collect::<Vec<_>>(), [PHONE; 3]);
    let calls = stage.journal("hook_call").await;
    assert_eq!((&calls[0]["answer"]["status"], &calls[0]["failure"]), (&json!("review"), &Value::Null));
    assert_eq!(calls[0]["sent"]["metadata"], json!({ "amount": "500" }));
}

/// Nobody is left before a step that cannot be walked, unless that is wanted.
#[tokio::test]
async fn an_answer_that_asks_for_a_passkey_is_refused_unless_it_is_to_be_taken() {
    let answer = REVIEW.replace("verify_sms", "verify_passkey");
    for (unwalkable, refusal) in
        [(Unwalkable::Refused, (400, "not_configured")), (Unwalkable::Taken, (200, ""))]
    {
        let (stage, _customer) = delegated_with(&answer, unwalkable).await;
        let mut page = Page::open(&stage);
        page.log_in("phone_number", PHONE).await;
        let asked =
            page.post("/stepup/request", Some(&json!({ "scope": "transfer:write" })), With::Bearer).await;
        assert_eq!(asked.refusal(), refusal, "{asked:?}");
        let calls = stage.journal("hook_call").await;
        assert_eq!((calls.len(), &calls[0]["failure"]), (1, &Value::Null), "the answer itself is a good one");
        if unwalkable == Unwalkable::Taken {
            let body = json!({ "challenge_token": token_of(&asked.body) });
            let sent = page.post("/otp", Some(&body), With::Nothing).await;
            assert_eq!(sent.refusal(), (400, "step_bypassed"));
        }
    }
}

#[tokio::test]
async fn a_continue_is_a_completed_challenge_and_the_token_ends_with_the_grant() {
    let (stage, _customer) =
        delegated(r#"{"status":"continue","granted_for":60,"grant_mode":"session-bound"}"#).await;
    let mut page = Page::open(&stage);
    page.log_in("email_address", "user@example.com").await;
    let asked = ask(&mut page).await;
    assert_eq!(
        (&asked["status"], &claims_of(&token_of(&asked))["current_step"]),
        (&json!("continue"), &json!("completed"))
    );
    let mut other = Page::open(&stage);
    other.log_in("email_address", "user@example.com").await;
    assert_eq!(other.refresh(Some(&token_of(&asked))).await.refusal(), (400, "token_mismatch"));
    let granted = page.refresh(Some(&token_of(&asked))).await;
    assert_eq!((page.scopes(), &granted.body["expires_at"]), ("transfer:write".to_owned(), &json!(NOW + 60)));
    page.refresh(None).await;
    assert_eq!(page.scopes(), "transfer:write", "the session keeps it");
    other.refresh(None).await;
    assert_eq!(other.scopes(), "", "the user's other session does not have it");
    stage.set_ahead(60).await;
    page.refresh(None).await;
    assert_eq!(page.scopes(), "", "until it ends");
}

#[tokio::test]
async fn what_is_not_granted_has_a_code() {
    let (stage, customer) = delegated(r#"{"status":"block"}"#).await;
    let mut page = Page::open(&stage);
    let request = |scope: &str| json!({ "scope": scope });
    let early = page.post("/stepup/request", Some(&request("transfer:write")), With::Bearer).await;
    assert_eq!(early.refusal(), (401, "unauthorized"));
    page.log_in("phone_number", PHONE).await;
    assert_eq!(ask(&mut page).await, json!({ "status": "block" }));
    for scope in ["profile:write", "unheard:of"] {
        let answer = page.post("/stepup/request", Some(&request(scope)), With::Bearer).await;
        assert_eq!(answer.refusal(), (403, "scope_not_allowed"), "{scope}");
    }
    let long = "a".repeat(33);
    for metadata in [
        json!([]),
        json!({ "a": 1 }),
        json!({ "a b": "1" }),
        json!({ "a": long }),
        json!({ "abcdefghijklm": "" }),
    ] {
        let body = json!({ "scope": "transfer:write", "metadata": metadata });
        let answer = page.post("/stepup/request", Some(&body), With::Bearer).await;
        assert_eq!(answer.refusal(), (400, "invalid_metadata"), "{metadata}");
    }
    customer.reset().await;
    let failed = page.post("/stepup/request", Some(&request("transfer:write")), With::Bearer).await;
    assert_eq!(failed.refusal(), (500, "internal"));
    assert_eq!(stage.journal("hook_call").await.last().expect("a call")["failure"], "invalid_status_code");
    stage.manage(reqwest::Method::DELETE, "stepup", None).await;
    let gone = page.post("/stepup/request", Some(&request("transfer:write")), With::Bearer).await;
    assert_eq!(gone.refusal(), (400, "not_configured"));
}

#[tokio::test]
async fn a_step_ends_and_only_its_session_and_key_walk_it() {
    let (stage, _customer) = delegated(REVIEW).await;
    let (mut page, mut thief) = (Page::open(&stage), Page::open(&stage));
    page.log_in("phone_number", PHONE).await;
    thief.log_in("phone_number", PHONE).await;
    let first = token_of(&ask(&mut page).await);
    let send = json!({ "challenge_token": first });
    assert_eq!(page.post("/otp", Some(&send), With::Nothing).await.status, 200);
    assert_eq!(check_code(&mut thief, &first, "123456").await.refusal(), (400, "dpop_key_mismatch"));
    let body = json!({ "challenge_token": first, "code": "123456" });
    let bare = page.post("/otp/check", Some(&body), With::Nothing).await;
    assert_eq!(bare.refusal(), (400, "missing_dpop_proof"));
    let loose = page.post("/otp/check", Some(&body), With::Proof).await;
    assert_eq!(loose.refusal(), (400, "invalid_dpop_proof"), "the proof is not for the challenge");
    let body = json!({ "challenge_token": first, "verification_token": minted(&first, 2) });
    let bypass = page.post("/stepup/continue", Some(&body), With::ChallengeProof(&first)).await;
    assert_eq!(bypass.refusal(), (400, "step_bypassed"));
    stage.set_ahead(600).await;
    // The access token has ended too, but the step is what a page is told of here.
    assert_eq!(check_code(&mut page, &first, "123456").await.refusal(), (400, "expired_challenge_token"));
    assert_eq!(
        page.post("/otp", Some(&send), With::Nothing).await.refusal(),
        (400, "expired_challenge_token")
    );
}

#[tokio::test]
async fn refreshing_wants_the_newest_token_the_key_and_a_nonce() {
    let (stage, _customer) = delegated(REVIEW).await;
    let (mut page, mut thief) = (Page::open(&stage), Page::open(&stage));
    page.log_in("phone_number", PHONE).await;
    let old = page.refresh_token.clone();
    page.nonce = None;
    let without = page.post_once("/refresh", None, With::Proof).await;
    assert_eq!(without.refusal(), (400, "use_dpop_nonce"));
    assert!(without.headers.contains_key("dpop-nonce"));
    assert_eq!(page.post_once("/refresh", None, With::Proof).await.status, 200);
    thief.refresh_token.clone_from(&page.refresh_token);
    assert_eq!(thief.refresh(None).await.refusal(), (400, "dpop_key_mismatch"));
    let newest = std::mem::replace(&mut page.refresh_token, old);
    assert_eq!(page.refresh(None).await.refusal(), (401, "unauthorized"), "an old token");
    page.refresh_token = newest;
    stage.set_ahead(300).await;
    let answer = page.post_once("/refresh", None, With::Proof).await;
    assert_eq!(answer.refusal(), (400, "use_dpop_nonce"), "the nonce is too old");
    assert_eq!(page.refresh(None).await.status, 200);
    assert_eq!(page.post("/revoke", None, With::Proof).await.status, 204);
    assert_eq!(page.refresh(None).await.refusal(), (401, "unauthorized"));
    let revoked = stage.journal("session_revoked").await;
    assert_eq!(revoked.len(), 1);
}

#[tokio::test]
async fn a_password_login_is_finalised_once() {
    let (stage, _customer) = delegated(REVIEW).await;
    let mut page = Page::open(&stage);
    let login = |password: &str| json!({ "identifier": "user@example.com", "password": password });
    let unknown = page.post("/login/email/password", Some(&login("long enough")), With::Nothing).await;
    assert_eq!(unknown.refusal(), (401, "unauthorized"));
    let short = page.post("/login/email/sign-up", Some(&login("short")), With::Nothing).await;
    assert_eq!(short.refusal(), (400, "invalid_password"));
    let made = page.post("/login/email/sign-up", Some(&login("long enough")), With::Nothing).await;
    assert_eq!(made.status, 200);
    let again = page.post("/login/email/sign-up", Some(&login("long enough")), With::Nothing).await;
    assert_eq!(again.refusal(), (409, "identifier_already_exists"));
    let back = page.post("/login/email/password", Some(&login("long enough")), With::Nothing).await;
    let finish = json!({ "challenge_token": token_of(&back.body) });
    assert_eq!(page.post("/login/finalize", Some(&finish), With::Proof).await.status, 200);
    let twice = page.post("/login/finalize", Some(&finish), With::Proof).await;
    assert_eq!(twice.refusal(), (400, "invalid_challenge_token"));
    let list = stage.client.get(stage.url("/v1/session/me/list")).bearer_auth(&page.access_token);
    let list = stage.send(list).await.body;
    assert_eq!((&list["total"], list["sessions"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    let revoke =
        stage.client.post(stage.url("/v1/session/me/revoke?target=all")).bearer_auth(&page.access_token);
    assert_eq!(stage.send(revoke).await.status, 204);
    let provider = page.post("/login/oauth/google/authorize", Some(&json!({})), With::Nothing).await;
    assert_eq!(provider.refusal(), (400, "oauth_provider_not_configured"));
}

#[tokio::test]
async fn identifiers_that_are_none_and_codes_that_are_wrong_get_nobody_in() {
    let (stage, _customer) = delegated(REVIEW).await;
    let mut page = Page::open(&stage);
    for (kind, value) in [
        ("phone_number", "0612345678"),
        ("email_address", "a@b@c"),
        ("passport", "x"),
        ("email_address", "@b"),
    ] {
        let body = json!({ "identifier": { "type": kind, "value": value } });
        let answer = page.post("/login/otp", Some(&body), With::Nothing).await;
        assert_eq!(answer.refusal(), (400, "invalid_identifier"), "{kind} {value}");
    }
    let code = |code: &str| json!({ "code": code });
    let early = page.post("/login/otp/check", Some(&code("123456")), With::Proof).await;
    assert_eq!(early.refusal(), (401, "unauthorized"));
    let body = json!({ "identifier": { "type": "phone_number", "value": PHONE } });
    let sent = page.post("/login/otp", Some(&body), With::Nothing).await;
    let cookie = sent.headers["set-cookie"].to_str().expect("text");
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned";
    assert!(cookie.starts_with("__Host-prld_login=") && cookie.ends_with(attributes), "{cookie}");
    assert_eq!(
        page.post("/login/otp/check", Some(&code("000000")), With::Proof).await.refusal(),
        (400, "bad_check_code")
    );
    assert_eq!(page.post("/login/otp/retry", None, With::Nothing).await.status, 204);
    assert_eq!(page.post("/login/otp/check", Some(&code("123456")), With::Proof).await.status, 200);
    assert_eq!(stage.journal("user_created").await.len(), 1);
}
