//! Methods that nobody asked for do nothing, whatever they are called.

use std::collections::{BTreeMap, BTreeSet};

use crate::bench::Bench;
use crate::faces::{EVENTS, EVENTS_TOKEN, documented};

/// TRACE would echo what a proxy added, CONNECT would make a way to others; the rest are methods of other protocols, or none.
const OTHERS: [&str; 10] =
    ["TRACE", "TRACK", "CONNECT", "OPTIONS", "PATCH", "PROPFIND", "PURGE", "DEBUG", "get", "NONSENSE"];
const SECRET: &str = "what-a-proxy-added";

#[tokio::test]
async fn trace_and_every_other_method_are_refused_and_echo_nothing() {
    let bench =
        Bench::begin(&[], &[EVENTS, EVENTS_TOKEN, ("server.open_requests_per_second", "10000")]).await;
    let mut taken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in documented() {
        taken.entry(route.path.replace(['{', '}'], "")).or_default().insert(route.method);
    }
    assert!(taken.len() >= 25, "{}", taken.len());
    for (path, methods) in taken {
        let usual =
            ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter().filter(|method| !methods.contains(*method));
        for method in OTHERS.into_iter().chain(usual) {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nx-secret: {SECRET}\r\nmax-forwards: 0\r\n\r\n"
            );
            let answer = bench.raw(&request).await;
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            assert!(
                !answer.contains(SECRET) && !answer.contains("message/http"),
                "{method} {path}: {answer}"
            );
            let allow = answer.lines().find_map(|line| line.strip_prefix("allow: ")).expect("what is taken");
            let allowed: BTreeSet<_> = allow.trim().split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
    for request in [
        "TRACE / HTTP/1.1\r\nhost: x\r\nx-secret: what-a-proxy-added\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        "CONNECT other.example:443 HTTP/1.1\r\nhost: other.example:443\r\n\r\n",
    ] {
        let answer = bench.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains(SECRET), "{request}: {answer}");
    }
    bench.stop().await;
}
