//! What an operation may refuse, told by the refusals themselves: status, code, words and headers are those that leave.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::body::MessageBody;
use serde_json::{Map, Value, json};

use crate::app::{AccessError, PostError};
use crate::domain::Role;
use crate::http::problem::{
    Refusal, bad_api_key, body_broken, body_too_large, body_too_slow, head_too_large, not_json,
    too_many_in_flight, too_many_requests,
};
use crate::http::refusals::unavailable_store;
use crate::http::request_id::RequestId;

/// The default of `server.body_bytes_max`, for the example.
const BODY_BYTES_MAX: usize = 65_536;

/// Headers of a refusal that belong to its status.
const HEADERS: [(&str, &str); 2] = [("retry-after", "RetryAfter"), ("www-authenticate", "Authenticate")];

/// The refusals of one operation.
pub(super) struct Refused {
    refusals: Vec<Refusal>,
}

impl Refused {
    /// What every address refuses.
    pub(super) fn anywhere() -> Self {
        Self { refusals: vec![head_too_large(), too_many_requests("")] }
    }

    /// But for asking too often.
    pub(super) fn never_too_many(&mut self) {
        self.refusals.retain(|refusal| *refusal != too_many_requests(""));
    }

    /// What an API key can lack, and what looking it up can.
    pub(super) fn keyed(&mut self, role: Role) {
        self.extend([
            bad_api_key(),
            AccessError::MissingRole(role).into(),
            too_many_in_flight(),
            unavailable_store(),
        ]);
    }

    pub(super) fn body(&mut self) {
        self.extend([body_broken(), body_too_slow(), body_too_large(BODY_BYTES_MAX)]);
    }

    pub(super) fn json(&mut self) {
        self.extend([not_json()]);
    }

    pub(super) fn once(&mut self) {
        self.extend([PostError::Key.into(), PostError::OtherBody.into()]);
    }

    pub(super) fn extend(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        self.refusals.extend(refusals);
    }

    /// An example of each refusal, by its code.
    pub(super) fn examples(&self) -> impl Iterator<Item = (String, Value)> {
        let leaving = self.refusals.iter().map(|refusal| Leaving::of(refusal.clone()));
        leaving.map(|leaving| (leaving.code().to_owned(), json!({ "value": leaving.body })))
    }

    /// A response for each status, with every code that comes under it.
    pub(super) fn responses(&self) -> Map<String, Value> {
        let mut by_status: BTreeMap<String, Vec<Leaving>> = BTreeMap::new();
        for refusal in &self.refusals {
            let leaving = Leaving::of(refusal.clone());
            by_status.entry(leaving.status.clone()).or_default().push(leaving);
        }
        by_status.into_iter().map(|(status, leaving)| (status, response(&leaving))).collect()
    }
}

/// A refusal as it leaves.
struct Leaving {
    status: String,
    headers: Vec<&'static str>,
    body: Value,
}

impl Leaving {
    fn of(refusal: Refusal) -> Self {
        let response = refusal.respond(RequestId::next());
        let status = response.status().as_str().to_owned();
        let has = |name: &str| response.headers().contains_key(name);
        let headers = HEADERS.iter().filter(|(name, _)| has(name)).map(|(_, component)| *component).collect();
        let bytes = response.into_body().try_into_bytes().expect("bytes");
        let mut body: Value = serde_json::from_slice(&bytes).expect("a problem");
        body["request_id"] = json!("5d1f03a2-17");
        Self { status, headers, body }
    }

    fn code(&self) -> &str {
        self.body["code"].as_str().expect("a code")
    }
}

fn response(leaving: &[Leaving]) -> Value {
    let codes: BTreeSet<_> = leaving.iter().map(Leaving::code).collect();
    let titles: BTreeSet<_> = leaving
        .iter()
        .map(|leaving| {
            format!("`{}`: {}", leaving.code(), leaving.body["title"].as_str().unwrap_or_default())
        })
        .collect();
    let words: Vec<_> = titles.into_iter().collect();
    let example =
        |code: &&str| ((*code).to_owned(), json!({ "$ref": format!("#/components/examples/{code}") }));
    let examples: Map<_, _> = codes.iter().map(example).collect();
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), json!({ "$ref": "#/components/headers/RequestId" }));
    for component in leaving.iter().flat_map(|leaving| &leaving.headers) {
        let name = if *component == "RetryAfter" { "Retry-After" } else { "WWW-Authenticate" };
        let header = json!({ "$ref": format!("#/components/headers/{component}") });
        headers.insert(name.to_owned(), header);
    }
    // Beside the reference and not in an `allOf` with it: generated clients make one type of all problems, not one of each answer.
    let schema =
        json!({ "$ref": "#/components/schemas/Problem", "properties": { "code": { "enum": codes } } });
    json!({
        "description": words.join("; "),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    })
}
