//! What whoever keeps the installation running calls.

use serde_json::json;

use super::document::head;
use super::operation::{Operation, operation};
use super::parameters::page;
use crate::app::shapes::{policies, readiness};
use crate::app::{PageError, ReloadError};
use crate::domain::Role;
use crate::domain::shape::Shape;
use crate::http::health::{ALIVE, OPEN_METRICS_TYPE, PLAIN_TYPE};
use crate::metrics::Metrics;

pub(super) fn operations() -> Vec<Operation> {
    vec![shown(), reload(), activations(), healthz(), readyz(), metrics(), openapi()]
}

fn of_policies(address: (&'static str, &'static str), id: &'static str, summary: &'static str) -> Operation {
    operation(address, id, summary).group("policies")
}

fn shown() -> Operation {
    let words = "Shows the policy in force, and how the last attempt to replace it went";
    of_policies(("get", "/v1/policies"), "getPolicies", words)
        .keys(&[&[Role::Reader], &[Role::Admin]])
        .answers(200, "The policy in force.", policies::view())
        .header("Cache-Control", "Always `no-store`.")
}

fn reload() -> Operation {
    of_policies(("post", "/v1/policies/reload"), "reloadPolicies", "Reads the policy files now")
        .keys(&[&[Role::Admin]])
        .answers(200, "How it went.", policies::reloaded())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([ReloadError::BuiltIn, ReloadError::Refused(policies::refused()), ReloadError::Unfinished])
}

fn activations() -> Operation {
    let words = "Lists which policy came into force when, newest first";
    of_policies(("get", "/v1/policies/activations"), "listPolicyActivations", words)
        .keys(&[&[Role::Reader], &[Role::Admin]])
        .with(page())
        .answers(200, "A page of them.", policies::activations())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([PageError::Filter("limit")])
}

fn healthz() -> Operation {
    let schema = json!({
        "type": "object", "required": ["status"], "properties": { "status": { "const": "ok", "type": "string" } }
    });
    let alive = Shape::told("Alive", schema, serde_json::from_str(ALIVE).expect("JSON"));
    operation(("get", "/healthz"), "getHealth", "Says that the process answers")
        .without_end()
        .answers(200, "It does.", alive)
        .header("Cache-Control", "Always `no-store`.")
}

fn readyz() -> Operation {
    operation(("get", "/readyz"), "getReadiness", "Says whether calls would be served now, and why not")
        .without_end()
        .answers(200, "They would.", readiness::ready())
        .answers(503, "They would not.", readiness::not_ready())
        .header("Cache-Control", "Always `no-store`.")
}

fn metrics() -> Operation {
    let metrics = Metrics::new();
    let forms =
        vec![(OPEN_METRICS_TYPE, some_of(&metrics.render())), (PLAIN_TYPE, some_of(&metrics.render_plain()))];
    let words = "Every metric, in the OpenMetrics text form for whoever asks for that, else in the older one";
    operation(("get", "/metrics"), "getMetrics", words)
        .without_end()
        .answers_text("The metrics.", forms)
        .header("Cache-Control", "Always `no-store`.")
}

/// The lines about one metric, and the end.
fn some_of(metrics: &str) -> String {
    let is_told = |line: &&str| line.contains("doorstep_redemptions") || *line == "# EOF";
    metrics.lines().filter(is_told).flat_map(|line| [line, "\n"]).collect()
}

fn openapi() -> Operation {
    let object = json!({ "type": "object" });
    let list = json!({ "type": "array", "items": object });
    let schema = json!({
        "type": "object", "required": [],
        "properties": {
            "openapi": { "type": "string" }, "info": object, "servers": list, "tags": list, "paths": object, "components": object
        }
    });
    let mut example = head();
    (example["servers"], example["tags"]) = (json!([]), json!([]));
    (example["paths"], example["components"]) = (json!({}), json!({}));
    operation(("get", "/openapi.json"), "getOpenApi", "This document")
        .answers(200, "The document of the version that runs.", Shape::told("OpenApi", schema, example))
        .header("Cache-Control", "Always `no-store`.")
}
