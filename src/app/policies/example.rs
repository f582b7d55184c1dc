//! For the description of the API: a shipped policy file changes.

use std::sync::Arc;

use super::{
    Activation, ActivationList, Attempt, InForce, PolicyFaults, PolicyView, ReloadResult, Trigger, raw,
};
use crate::domain::ApiKeyId;
use crate::domain::shape::{BUNDLE, KEY, Shape, moment};
use crate::policy::{load_files, shipped};

/// What the policies tell when the day's last rule of a file goes.
fn changes() -> Option<Box<serde_json::value::RawValue>> {
    let load = |files: Vec<(&str, String)>| load_files(files, moment(0)).expect("a policy");
    let files = || shipped().into_iter().map(|(name, text)| (name, text.to_owned()));
    let fewer = files().filter(|(name, _)| *name != "api-keys.yaml").collect();
    let difference = load(files().collect()).difference(&load(fewer));
    raw(&serde_json::to_string(&difference).expect("it serialises"))
}

fn attempt() -> Attempt {
    Attempt {
        at: moment(60),
        trigger: Trigger::Api(ApiKeyId::new(KEY).expect("an id")),
        result: ReloadResult::Activated,
        bundle: BUNDLE.to_owned(),
        changes: changes(),
        faults: PolicyFaults::default(),
    }
}

pub(crate) fn view() -> Shape {
    let in_force = InForce {
        bundle: BUNDLE.to_owned(),
        since: moment(60),
        trigger: Trigger::Watch,
        files: 7,
        scopes: 4,
        rules: 12,
        warnings: PolicyFaults::default(),
    };
    Shape::of(&PolicyView { in_force, reload: "watched", last_attempt: attempt() })
}

pub(crate) fn reloaded() -> Shape {
    Shape::of(&attempt())
}

pub(crate) fn activations() -> Shape {
    let activation = Activation {
        at: moment(60),
        bundle: BUNDLE.to_owned(),
        previous: Some(BUNDLE.replace('b', "7")),
        trigger: Trigger::Watch,
        changes: changes(),
    };
    Shape::of(&ActivationList { activations: vec![activation], next_cursor: None })
}

/// An attempt with files that have faults.
pub(crate) fn refused() -> Arc<Attempt> {
    let faults =
        load_files([("transfer.yaml", "scopes: [transfer:write]\n")], moment(0)).expect_err("no rules");
    let attempt = Attempt {
        result: ReloadResult::Refused,
        faults: PolicyFaults::of(&faults),
        changes: None,
        ..attempt()
    };
    Arc::new(attempt)
}
