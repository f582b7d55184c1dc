//! Prelude's side played by foreign libraries: their signatures and challenge tokens are taken, and no forged ones.

use doorstep::testing::Prelude;
use serde_json::{Value, json};

use crate::client::Client;
use crate::foreign::{Script, expect_all_installed, next_line, start, tell};
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_challenges_signed_elsewhere_are_judged_rightly() {
    expect_all_installed();
    let mut theirs = start(Script::Prelude, &[]);
    let urls: Value = serde_json::from_str(&next_line(&mut theirs)).expect("addresses");
    let ours = Prelude::start(None).await.expect("Prelude's side");
    let site = ["key_set_url", "step_up_key_set_url"].into_iter().fold(Site::with(&ours), |site, key| {
        site.set(&format!("prelude.{key}"), urls[key].as_str().expect("an address"))
    });
    let site = site.set("log.level", "trace");
    let server = site.serve();
    Client::of(&server.address).await;
    let whom = json!({ "server": format!("http://{}", server.address), "api_key": site.backend_key() });
    tell(&mut theirs, &whom.to_string());
    let results: Vec<Value> = serde_json::from_str(&next_line(&mut theirs)).expect("a list");
    theirs.end().expect(0);

    let mut counts = [0; 4];
    for result in &results {
        let (kind, _) = result["name"].as_str().expect("a name").split_once(':').unwrap_or_default();
        let (place, status, answer) = match kind {
            "genuine" => {
                (0, 200, json!({"status": "continue", "granted_for": 300, "grant_mode": "single-use"}))
            }
            "tampered" => (1, 401, json!("unverified_call")),
            "broken" => (2, 400, json!("invalid_call")),
            "forged" => (3, 422, result["body"]["code"].clone()),
            _ => continue,
        };
        counts[place] += 1;
        let said = if status == 200 { &result["body"] } else { &result["body"]["code"] };
        assert_eq!((&result["status"], said), (&json!(status), &answer), "{result}");
    }
    assert_eq!(counts, [8, 10, 6, 4], "no call was left out");
    let of = |name: &str| results.iter().find(|result| result["name"] == name).expect("it was done");
    assert_eq!(of("review")["body"]["status"], "review");
    assert_eq!(of("mint")["status"], 201, "{}", of("mint"));
    let claims = &of("claims")["body"];
    assert_eq!((&claims["sub"], &claims["key"]), (&json!("usr_review"), &json!("kyc_review")));

    let log = server.stop().stderr;
    assert!(log.contains("\"duplicate\""), "a broken call is logged by its cause:\n{log}");
    assert!(!log.contains("98765432"), "the log holds a number:\n{log}");
}
