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

/// The sections of the page that tell of refusals, and the addresses that each tells of. What begins with none has none of its own.
const SECTIONS: [(&str, &[&str]); 10] = [
    ("`POST /hooks/stepup`", &["/hooks/stepup"]),
    ("`GET|POST /hooks/events`", &["/hooks/events"]),
    ("`POST /v1/withdrawals`", &["/v1/verifications", "/v1/withdrawals", "/v1/verification-tokens"]),
    ("`POST /v1/callbacks/{source}`", &["/v1/callbacks"]),
    ("`POST /v1/grants/redeem`", &["/v1/grants/redeem"]),
    ("`POST /v1/facts`", &["/v1/facts"]),
    ("`GET /v1/decisions/{id}`", &["/v1/decisions"]),
    ("`POST /v1/evaluate`", &["/v1/evaluate"]),
    ("`POST /v1/policies/reload`", &["/v1/policies/reload"]),
    ("The fraud desk", &["/v1/lists", "/v1/scopes", "/v1/desk-actions"]),
];

/// Statuses with their codes.
type Codes = BTreeSet<(&'static str, &'static str)>;

/// What rows of so many cells refuse, each row with its last cell but one.
fn refusals(text: &'static str, cells: usize) -> Vec<(&'static str, Codes)> {
    let rows = text.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let is_refusal =
        |row: &Vec<&str>| row.len() == cells + 2 && row[1].parse::<u16>().is_ok_and(|it| it >= 400);
    let codes = |row: &Vec<&'static str>| {
        row[2].split('`').skip(1).step_by(2).map(|code| (row[1], code)).collect::<Codes>()
    };
    rows.filter(is_refusal).map(|row| (row[cells - 1], codes(&row))).collect()
}

/// Whether the table of what many routes refuse speaks of an operation.
fn applies(place: &str, operation: &'static Value) -> bool {
    let parameters: Vec<_> = operation["parameters"].as_array().into_iter().flatten().collect();
    let has_key = !role_sets(operation).is_empty();
    let has_body = operation.get("requestBody").is_some();
    let has_query = parameters.iter().any(|parameter| parameter["in"] == "query");
    match place {
        "everywhere" => true,
        "everywhere but `/healthz`, `/readyz` and `/metrics`" => !["getHealth", "getReadiness", "getMetrics"]
            .contains(&operation["operationId"].as_str().expect("an id")),
        "with an API key" => has_key,
        "with a body" => has_body,
        "with a JSON body" => {
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].is_string()
        }
        "with an API key or a body" => has_key || has_body,
        "with an API key and a body or query" => has_key && (has_body || has_query),
        "with `Idempotency-Key`" => parameters
            .iter()
            .any(|parameter| parameter["$ref"].as_str().is_some_and(|it| it.ends_with("/IdempotencyKey"))),
        other => panic!("{other}"),
    }
}

#[test]
fn each_section_of_the_page_has_the_codes_of_its_operations() {
    let everywhere = refusals(API, 4);
    let told: BTreeMap<_, Codes> = API
        .split("\n## ")
        .map(|section| (section.lines().next().unwrap_or_default(), section))
        .map(|(heading, section)| {
            (heading, refusals(section, 3).into_iter().flat_map(|(_, codes)| codes).collect())
        })
        .collect();
    let mut used: BTreeMap<&str, Codes> = BTreeMap::new();
    for (method, path, operation) in operations() {
        let section = SECTIONS.iter().find(|(_, begins)| begins.iter().any(|begin| path.starts_with(begin)));
        let own = section.map_or_else(Codes::new, |(heading, _)| told[heading].clone());
        let besides: Codes = everywhere
            .iter()
            .filter(|(place, _)| applies(place, operation))
            .flat_map(|(_, codes)| codes.clone())
            .collect();
        let answers: Codes = members(&operation["responses"])
            .flat_map(|(status, response)| codes(response).map(|code| (status.as_str(), code)))
            .collect();
        let missing: Vec<_> =
            answers.iter().filter(|it| !own.contains(*it) && !besides.contains(*it)).collect();
        let too_much: Vec<_> = besides.difference(&answers).collect();
        assert!(
            missing.is_empty() && too_much.is_empty(),
            "{method} {path}: not told {missing:?}, not so {too_much:?}"
        );
        used.entry(section.map_or("", |(heading, _)| heading)).or_default().extend(answers);
    }
    for (heading, codes) in &told {
        let never: Vec<_> =
            codes.iter().filter(|it| !used.get(heading).is_some_and(|used| used.contains(*it))).collect();
        assert!(never.is_empty(), "{heading} tells of {never:?}, which none of its operations answers");
    }
    let all: BTreeSet<_> =
        told.values().flatten().chain(everywhere.iter().flat_map(|(_, codes)| codes)).collect();
    assert!(all.len() > 60, "{}", all.len());
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
