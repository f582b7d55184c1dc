//! An address and method: who may call it, what it takes and what it answers.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::refused::Refused;
use crate::domain::Role;
use crate::domain::shape::Shape;
use crate::http::problem::Refusal;
use crate::http::routes::Face;

/// What an operation is told by.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    summary: &'static str,
    group: &'static str,
    face: Face,
    securities: Vec<Value>,
    parameters: Vec<Value>,
    requests: Vec<(&'static str, Shape)>,
    any_body: Option<Value>,
    answers: Vec<Answer>,
    refused: Refused,
}

/// What is answered where nothing is refused.
struct Answer {
    status: u16,
    words: &'static str,
    body: Body,
    headers: Vec<(&'static str, &'static str)>,
}

enum Body {
    None,
    Json(Box<Shape>),
    /// Of one media type or another, each with an example.
    Text(Vec<(&'static str, String)>),
}

/// An operation at a path.
///
/// - `id`: what generated clients call it.
pub(super) fn operation(
    (method, path): (&'static str, &'static str),
    id: &'static str,
    summary: &'static str,
) -> Operation {
    Operation {
        method,
        path,
        id,
        summary,
        group: "operation",
        face: Face::Private,
        securities: Vec::new(),
        parameters: Vec::new(),
        requests: Vec::new(),
        any_body: None,
        answers: Vec::new(),
        refused: Refused::anywhere(),
    }
}

impl Operation {
    pub(super) fn group(self, group: &'static str) -> Self {
        Self { group, ..self }
    }

    /// On the face that the internet reaches.
    pub(super) fn public(self) -> Self {
        Self { face: Face::Public, ..self }
    }

    /// Takes an API key that has one of these sets of roles.
    pub(super) fn keys(mut self, alternatives: &[&[Role]]) -> Self {
        for roles in alternatives {
            let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            self.securities.push(json!({ "apiKey": names }));
        }
        let first = alternatives.first().and_then(|roles| roles.first()).expect("a role");
        self.refused.keyed(*first);
        self
    }

    /// Takes what Prelude signed.
    pub(super) fn signed_by_prelude(mut self) -> Self {
        self.securities.push(json!({ "preludeSignature": [], "preludeSignatureKeyId": [] }));
        self
    }

    pub(super) fn with(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// May come again under an `Idempotency-Key`.
    pub(super) fn once(mut self) -> Self {
        self.parameters.push(super::parameters::idempotency_key());
        self.refused.once();
        self
    }

    /// Takes a JSON body of one shape, with as many examples as it is given.
    pub(super) fn takes(mut self, requests: impl IntoIterator<Item = (&'static str, Shape)>) -> Self {
        self.requests.extend(requests);
        self.refused.body();
        self.refused.json();
        self
    }

    pub(super) fn answers(mut self, status: u16, words: &'static str, shape: Shape) -> Self {
        self.answers.push(Answer { status, words, body: Body::Json(Box::new(shape)), headers: Vec::new() });
        self
    }

    pub(super) fn answers_text(
        mut self,
        words: &'static str,
        media_types: Vec<(&'static str, String)>,
    ) -> Self {
        self.answers.push(Answer { status: 200, words, body: Body::Text(media_types), headers: Vec::new() });
        self
    }

    pub(super) fn answers_nothing(mut self, status: u16, words: &'static str) -> Self {
        self.answers.push(Answer { status, words, body: Body::None, headers: Vec::new() });
        self
    }

    /// Every answer so far has this header.
    pub(super) fn header(mut self, name: &'static str, words: &'static str) -> Self {
        self.answers.iter_mut().for_each(|answer| answer.headers.push((name, words)));
        self
    }

    pub(super) fn refuses<R: Into<Refusal>>(mut self, refusals: impl IntoIterator<Item = R>) -> Self {
        self.refused.extend(refusals.into_iter().map(Into::into));
        self
    }

    /// However often it is asked for.
    pub(super) fn without_end(mut self) -> Self {
        self.refused.never_too_many();
        self
    }

    /// A body of whatever form, such as this one.
    pub(super) fn takes_any_body(mut self, example: Value) -> Self {
        self.any_body = Some(example);
        self.refused.body();
        self
    }

    /// Everything that it names, for the document's list.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&Shape, bool)> {
        let answered = self.answers.iter().filter_map(|answer| match &answer.body {
            Body::Json(shape) => Some((&**shape, true)),
            Body::None | Body::Text(_) => None,
        });
        self.requests.iter().map(|(_, shape)| (shape, false)).chain(answered)
    }

    /// A problem of each code that may come.
    pub(super) fn problems(&self) -> impl Iterator<Item = (String, Value)> {
        self.refused.examples()
    }

    pub(super) fn to_json(&self) -> Value {
        let face = if self.face == Face::Public { "public" } else { "private" };
        let mut all = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.group, face],
            "security": self.securities,
            "responses": self.responses(),
        });
        if !self.parameters.is_empty() {
            all["parameters"] = json!(self.parameters);
        }
        if let Some((_, first)) = self.requests.first() {
            let examples = self.requests.iter().map(|(name, shape)| (name, &shape.example));
            let content = json!({ "schema": reference(&first.name), "examples": told(examples) });
            all["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
        } else if let Some(example) = &self.any_body {
            let words = "As the scheme has it; the content type does not matter.";
            let content = json!({ "application/json": { "schema": {}, "example": example } });
            all["requestBody"] = json!({ "required": true, "description": words, "content": content });
        }
        all
    }

    fn responses(&self) -> Value {
        let mut responses = self.refused.responses();
        for answer in &self.answers {
            let status = StatusCode::from_u16(answer.status).expect("a status");
            responses.insert(status.as_str().to_owned(), answer.to_json());
        }
        Value::Object(responses)
    }
}

impl Answer {
    fn to_json(&self) -> Value {
        let mut headers = Map::new();
        headers.insert("X-Request-Id".to_owned(), json!({ "$ref": "#/components/headers/RequestId" }));
        for (name, words) in &self.headers {
            let header = json!({ "description": words, "required": true, "schema": { "type": "string" } });
            headers.insert((*name).to_owned(), header);
        }
        let mut all = json!({ "description": self.words, "headers": headers });
        match &self.body {
            Body::None => {}
            Body::Json(shape) => {
                let content = json!({ "schema": reference(&shape.name), "example": shape.example });
                all["content"] = json!({ "application/json": content });
            }
            Body::Text(media_types) => {
                let content = |(media_type, example): &(&str, String)| {
                    let told = json!({ "schema": { "type": "string" }, "example": example });
                    ((*media_type).to_owned(), told)
                };
                all["content"] = media_types.iter().map(content).collect();
            }
        }
        all
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn told<'e>(examples: impl Iterator<Item = (&'e &'static str, &'e Value)>) -> Value {
    examples.map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect()
}
