//! The description of the API, the page about it and the server say the same.

use std::collections::{BTreeMap, BTreeSet};

use doorstep::testing::KeyWish;
use serde_json::Value;

use crate::bench::{Answer, Bench};
use crate::described::{DOCUMENT, members, resolved};
use crate::faces::{API, EVENTS, EVENTS_TOKEN, Route, documented, served};

const ROLES: [&str; 10] =
    ["opener", "approver", "minter", "voucher", "executor", "facts", "reader", "evaluator", "desk", "admin"];

/// What every address may answer, which the page's table leaves out.
const EVERYWHERE: [&str; 2] = ["429", "431"];

/// Every operation of the document: its method in capitals, its address, and itself.
fn operations() -> Vec<(String, &'static str, &'static Value)> {
    let of = |(path, item): (&'static String, &'static Value)| {
        members(item).map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    };
    members(&DOCUMENT["paths"]).flat_map(of).collect()
}

/// The sets of roles that an operation names, each of which is enough.
fn role_sets(operation: &'static Value) -> Vec<BTreeSet<&'static str>> {
    let securities = operation["security"].as_array().expect("a list");
    let sets = securities.iter().filter_map(|security| security["apiKey"].as_array());
    sets.map(|roles| roles.iter().filter_map(Value::as_str).collect()).collect()
}

fn codes(response: &'static Value) -> impl Iterator<Item = &'static str> {
    let problem = &resolved(response)["content"]["application/problem+json"]["schema"];
    problem["properties"]["code"]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The statuses that the page's table should have: 503 only where it is not merely that too many calls are worked on.
fn own_statuses(operation: &'static Value) -> BTreeSet<&'static str> {
    let own = members(&operation["responses"]).filter(|(status, response)| {
        let only_overloaded =
            !codes(response).any(|code| code != "overloaded") && codes(response).count() > 0;
        let is_everywhere = EVERYWHERE.contains(&status.as_str()) || (*status == "503" && only_overloaded);
        !is_everywhere
    });
    own.map(|(status, _)| status.as_str()).collect()
}

#[test]
fn the_page_and_the_document_name_the_same_routes_faces_roles_and_statuses() {
    let mut rows: BTreeMap<usize, Vec<Route>> = BTreeMap::new();
    for route in documented() {
        rows.entry(route.row).or_default().push(route);
    }
    let operations = operations();
    let find = |route: &Route| {
        let found =
            operations.iter().find(|(method, path, _)| (method, *path) == (&route.method, &route.path));
        found.unwrap_or_else(|| panic!("docs/openapi.json has no {route:?}")).2
    };
    assert_eq!(
        rows.values().flatten().count(),
        operations.len(),
        "the page has every operation of the document"
    );
    for routes in rows.values() {
        let first = &routes[0];
        let quoted: BTreeSet<_> =
            first.who.split('`').skip(1).step_by(2).filter(|word| ROLES.contains(word)).collect();
        let roles: BTreeSet<_> = routes.iter().flat_map(|route| role_sets(find(route))).flatten().collect();
        assert_eq!(quoted, roles, "{first:?}");
        let told: BTreeSet<_> = first.answers.split(' ').collect();
        let statuses: BTreeSet<_> = routes.iter().flat_map(|route| own_statuses(find(route))).collect();
        assert_eq!(told, statuses, "{first:?}");
        for route in routes {
            let tags = find(route)["tags"].as_array().expect("tags");
            let faces = tags.iter().filter(|tag| **tag == "public" || **tag == "private");
            assert_eq!(faces.collect::<Vec<_>>(), [&route.face], "{route:?}");
        }
    }
}

#[test]
fn the_page_and_the_document_have_the_same_codes() {
    let row = |line: &'static str| -> Vec<&'static str> {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let is_row = cells.len() == 5 && cells[1].parse::<u16>().is_ok_and(|status| status >= 400);
        if is_row { cells[2].split('`').skip(1).step_by(2).collect() } else { Vec::new() }
    };
    let mut told: BTreeSet<_> = API.lines().flat_map(row).collect();
    told.extend(["not_found", "method_not_allowed"]);
    let known = DOCUMENT["components"]["schemas"]["ProblemCode"]["enum"].as_array().expect("codes");
    let known: BTreeSet<_> = known.iter().filter_map(Value::as_str).collect();
    assert_eq!(told, known);
}

#[tokio::test]
async fn the_document_is_served_and_names_every_route_with_its_methods() {
    let bench = Bench::begin(&[], &[EVENTS, EVENTS_TOKEN]).await;
    let answer = bench.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text, include_str!("../../docs/openapi.json"));
    let told: BTreeSet<_> = members(&DOCUMENT["paths"]).map(|(path, _)| path.as_str()).collect();
    assert_eq!(told, served(), "docs/openapi.json and src/http/routes.rs");
    for (path, item) in members(&DOCUMENT["paths"]) {
        let methods: BTreeSet<_> = members(item).map(|(method, _)| method.to_uppercase()).collect();
        let url = format!("{}{}", bench.server.url(), path.replace(['{', '}'], ""));
        let refused = bench.client.request(reqwest::Method::PATCH, url).send().await.expect("an answer");
        let refused = Answer::of(refused).await;
        assert_eq!(refused.status, 405, "{path}");
        let allowed = refused.header("allow").expect("the methods").split(", ");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{path}");
    }
    bench.stop().await;
}

/// An example of an operation's body, if it takes one: the challenge by its token, where it can be named as well.
fn example(operation: &'static Value) -> Option<Value> {
    let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
    members(examples).last().map(|(_, example)| example["value"].clone())
}

async fn code_of(
    bench: &Bench,
    key: &str,
    (method, path, operation): &(String, &str, &'static Value),
) -> Value {
    let path = path.replace("{id}", "019ab07e-5f40-7c3a-9d51-3e8b6a2f4c10").replace(['{', '}'], "");
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let needed = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
    let query: Vec<_> =
        needed.filter_map(|parameter| parameter["name"].as_str()).map(|name| format!("{name}=x")).collect();
    let path = format!("{path}?{}", query.join("&"));
    let body = example(operation);
    let answer = bench.ask_as(key, (method, &path), body).await;
    if answer.status < 400 { Value::Null } else { answer.json()["code"].clone() }
}

async fn key(bench: &Bench, roles: &[&str]) -> String {
    let approves_as = roles.contains(&"approver").then_some("backend");
    bench.server.create_api_key(&KeyWish { roles, approves_as, ..KeyWish::default() }).await.expect("a key")
}

#[tokio::test]
async fn the_roles_that_the_document_names_are_those_that_open() {
    let bench = Bench::start().await;
    let mut asked = 0;
    for operation in operations().iter().filter(|(_, _, operation)| !role_sets(operation).is_empty()) {
        let sets = role_sets(operation.2);
        for role in ROLES {
            let key = key(&bench, &[role]).await;
            let opens = sets.iter().any(|set| set.iter().all(|needed| *needed == role));
            let code = code_of(&bench, &key, operation).await;
            assert_eq!(code != "missing_role", opens, "{} {} with {role}: {code}", operation.0, operation.1);
            asked += 1;
        }
        for set in &sets {
            let key = key(&bench, &set.iter().copied().collect::<Vec<_>>()).await;
            let code = code_of(&bench, &key, operation).await;
            assert_ne!(code, "missing_role", "{} {} with {set:?}", operation.0, operation.1);
        }
        assert_eq!(code_of(&bench, "dsk_no_key", operation).await, "invalid_api_key");
    }
    assert!(asked > 200, "{asked}");
    bench.stop().await;
}
