//! What the internet reaches and what only the customer's own systems do.

use std::collections::BTreeSet;

use crate::bench::{Answer, Bench, transfer};

pub(crate) const API: &str = include_str!("../../docs/API.md");
const ROUTES: &str = include_str!("../../src/http/routes.rs");

/// Prelude's webhook is there only where it is asked for.
pub(crate) const EVENTS: (&str, &str) = ("prelude.events", "on");
pub(crate) const EVENTS_TOKEN: (&str, &str) = (
    "prelude.verification_token_file",
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/verification-token"),
);

/// What a row of the table in docs/API.md says of a method and an address.
#[derive(Debug)]
pub(crate) struct Route {
    /// Which row it is in.
    pub(crate) row: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) who: String,
    pub(crate) face: String,
    pub(crate) answers: String,
}

/// The table's rows. A cell may hold several addresses, `…/last` being one that differs from the one before in its end.
pub(crate) fn documented() -> Vec<Route> {
    let mut routes = Vec::new();
    for (row, line) in API.lines().enumerate().filter(|(_, line)| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, addresses, who, face, answers, ""] = cells[..] else { continue };
        let (mut methods, mut path) = (String::new(), String::new());
        for address in addresses.split("`, `").map(|text| text.trim_matches('`')) {
            let address = address.split('?').next().expect("an address");
            path = match (address.split_once(" /"), address.strip_prefix("…/")) {
                (Some((named, rest)), _) => {
                    methods = named.to_owned();
                    format!("/{rest}")
                }
                (None, Some(last)) => format!("{}/{last}", path.rsplit_once('/').expect("a path").0),
                (None, None) => panic!("no address: {line}"),
            };
            for method in methods.split(", ") {
                let (who, face, answers) = (who.to_owned(), face.to_owned(), answers.to_owned());
                routes.push(Route { row, method: method.to_owned(), path: path.clone(), who, face, answers });
            }
        }
    }
    routes
}

/// Every address in the server's own table of routes.
pub(crate) fn served() -> BTreeSet<&'static str> {
    ROUTES.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect()
}

async fn ask(client: &reqwest::Client, (base, route): (&str, &Route)) -> Answer {
    let method = reqwest::Method::from_bytes(route.method.as_bytes()).expect("a method");
    let path = route.path.replace(['{', '}'], "");
    Answer::of(client.request(method, format!("{base}{path}")).send().await.expect("an answer")).await
}

/// Whether an address answers there at all: also a refusal of its own is an answer, and a HEAD has no body to tell by.
fn is_there(answer: &Answer) -> bool {
    answer.status != 404 || (!answer.text.is_empty() && answer.json()["code"] != "not_found")
}

#[tokio::test]
async fn every_route_is_on_exactly_the_face_it_belongs_to() {
    let settings = [("server.private_bind", "127.0.0.1:0"), EVENTS, EVENTS_TOKEN];
    let bench = Bench::begin(&[], &settings).await;
    let (public, private) = (bench.server.url(), bench.server.private_url());
    assert_ne!(public, private);
    let routes = documented();
    let paths: BTreeSet<_> = routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, served(), "docs/API.md and src/http/routes.rs");
    for route in &routes {
        let on_public = is_there(&ask(&bench.client, (&public, route)).await);
        let on_private = is_there(&ask(&bench.client, (&private, route)).await);
        let expected = match route.face.as_str() {
            "public" => (true, false),
            "private" => (false, true),
            other => panic!("{other}: {route:?}"),
        };
        assert_eq!((on_public, on_private), expected, "{route:?}");
    }
    assert!(routes.iter().filter(|route| route.face == "public").count() >= 4);
    assert!(routes.iter().filter(|route| route.face == "private").count() >= 25);
    bench.stop().await;
}

#[tokio::test]
async fn without_a_private_address_everything_is_on_one() {
    let bench = Bench::begin(&[], &[EVENTS, EVENTS_TOKEN]).await;
    assert_eq!(bench.server.url(), bench.server.private_url());
    for route in documented() {
        assert!(is_there(&ask(&bench.client, (&bench.server.url(), &route)).await), "{route:?}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn both_faces_work_on_one_application_and_end_together() {
    let bench = Bench::begin(&[], &[("server.private_bind", "127.0.0.1:0")]).await;
    let private = bench.server.private_url();
    let key = bench.key(&["reader"]).await;
    crate::bench::until("ready", async || {
        let answer = bench.client.get(format!("{private}/readyz")).send().await.expect("an answer");
        (answer.status() == 200).then_some(())
    })
    .await;
    assert_eq!(bench.call(&transfer("usr_1", "20")).await.status, 200);
    let request = bench.client.get(format!("{private}/v1/decisions")).bearer_auth(&key);
    let decisions = Answer::of(request.send().await.expect("an answer")).await;
    assert_eq!(decisions.json()["decisions"].as_array().map(Vec::len), Some(1), "{}", decisions.text);
    let client = bench.client.clone();
    bench.stop().await;
    assert!(client.get(format!("{private}/healthz")).send().await.is_err());
}
