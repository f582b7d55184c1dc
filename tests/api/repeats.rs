//! One signature, one verdict.

use doorstep::testing::Style;

use crate::bench::{Bench, transfer};

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_makes_no_second_record() {
    let bench = Bench::start().await;
    let call = bench.prelude.sign(&transfer("usr_1", "15000"), Style::Usual).expect("signs");
    let first = bench.send(&call).await;
    bench.clock.advance_seconds(599);
    let again = bench.send(&call).await;
    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 1);
    bench.clock.advance_seconds(2);
    bench.send(&call).await.expect_problem(409, "repeated_call");
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn another_spelling_of_the_same_signature_is_the_same_call() {
    let bench = Bench::start().await;
    let mut call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    assert_eq!(bench.send(&call).await.status, 200);
    for (name, value) in &mut call.headers {
        if name == "X-Webhook-Signature" {
            *value = format!("{}==", value.trim_start_matches("rsassa-pss-sha256="));
        }
    }
    assert_eq!(bench.send(&call).await.status, 200);
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_no_signature() {
    let bench = Bench::start().await;
    let call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    let first = bench.send(&call).await;
    let bench = bench.restart().await;
    assert_eq!(bench.send(&call).await.text, first.text);
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn the_same_call_many_times_at_once_is_recorded_once() {
    let bench = Bench::start().await;
    let call = bench.prelude.sign(&transfer("usr_1", "20"), Style::Usual).expect("signs");
    let answers = futures_util::future::join_all((0..64).map(|_| bench.send(&call))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.text == answers[0].text));
    assert_eq!(bench.record.count("SELECT count(*) FROM decisions").await, 1);
    bench.stop().await;
}
