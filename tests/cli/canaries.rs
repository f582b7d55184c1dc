//! Marked values in every input of real servers at their most talkative, on both engines, through good and bad days: none of
//! them may stand in a log line, a metric, a span, a refusal or the header of an answer.
//!
//! What is planted is found in whatever dress (`doorstep::testing::leaks`), by the harness too: every process that a test
//! starts, and every refusal that it reads, is looked through.

mod inputs;
mod persons;
mod settings;
mod stage;

use inputs::{Key, keys};
use stage::{Engine, Stage};

/// Everything once, on a server whose log has this form.
async fn run(engine: Engine, format: &str) {
    let mut stage = Stage::set(engine, format).await;
    let keys = keys(&stage.site);
    persons::hook_calls(&stage).await;
    persons::mints(&stage, &keys).await;
    inputs::verifications(&stage, &keys).await;
    inputs::desk(&stage, &keys).await;
    inputs::facts_and_grants(&stage, &keys).await;
    inputs::questions(&stage, &keys).await;
    inputs::events(&stage).await;
    inputs::callbacks(&stage).await;
    inputs::strangers(&stage).await;
    inputs::reloads(&mut stage, &keys).await;

    stage.refuse_rows().await;
    inputs::in_an_outage(&stage, &keys, "refused rows").await;
    stage.take_rows().await;
    stage.cut().await;
    inputs::in_an_outage(&stage, &keys, stage.outage_code()).await;
    stage.mend().await;
    stage.prelude.stop().await;
    persons::unknown_key(&stage).await;
    stage.see("/metrics").await;
    stage.see("/readyz").await;
    stage
        .end(&[
            "Doorstep takes calls.",
            "A request was refused.",
            "The fraud desk acted.",
            "wrong_signature",
            "not_an_event",
            "wrong_token",
            "row_refused",
            "A request was answered.",
            "A verdict was made",
            "Verdicts were committed.",
            "A token was minted.",
            "do not come into force",
            "log_level_unusable",
            "The record can be written again.",
            "Doorstep finishes",
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_file_tells_nothing() {
    run(Engine::File, "json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_file_tells_people_nothing() {
    run(Engine::File, "pretty").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_database_tells_nothing() {
    run(Engine::Database, "json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_database_tells_people_nothing() {
    run(Engine::Database, "pretty").await;
}

/// The search itself: a value that a server does say is found, in a log line and in a refusal.
#[test]
#[should_panic(expected = "it leaked: a planted address is in what a process says on stderr")]
fn a_leak_in_a_log_is_found() {
    doorstep::testing::leaks::plant("a planted address", "127.0.0.1:18999/leak-of-a-test");
    let site = crate::site::Site::bare();
    site.run_in_shell("echo 'GET http://127.0.0.1:18999/leak-of-a-test' >&2");
}
