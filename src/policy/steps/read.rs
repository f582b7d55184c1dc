//! Reading `steps.yaml`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::keys::{CUSTOM_STEP, MANAGED_STEP, STEPS_FILE};
use super::{CustomStep, Platforms, StepBook};
use crate::domain::{Approver, COMPLETED, MANAGED_STEPS, Platform, Seconds, StepKey, TOKEN_LIFE_SECONDS_MAX};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::reader::{Map, Reader, Truth};
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Node};

/// The names of platforms in policy files.
pub(crate) const PLATFORM_NAMES: [&str; 3] = ["WEB", "ANDROID", "IOS"];

/// Words of the language that a plan could not tell from a step.
const LANGUAGE_WORDS: [&str; 3] = ["first_of", "expires_in", "step"];
/// The longest life of a verification token, in seconds: short, since nobody can call one back (docs/CONTRACT.md C6.3).
const TOKEN_TTL_MAX: u32 = TOKEN_LIFE_SECONDS_MAX;
/// The longest that an approval is kept for a later challenge, in seconds: a year.
const APPROVAL_SECONDS_MAX: u32 = 365 * 86_400;

/// The steps as far as they could be read, with what later files need to know about the rest.
#[derive(Debug, Default)]
pub(crate) struct ReadSteps {
    /// What could be read.
    pub(crate) book: StepBook,
    /// Steps with a fault of their own: plans may name them without a second complaint.
    pub(crate) broken: BTreeSet<String>,
    /// Whether the file could not be read at all: any step might be in it.
    pub(crate) is_unknown: bool,
    /// Where each custom step stands, for warnings.
    pub(crate) spans: Vec<(StepKey, Span)>,
}

impl ReadSteps {
    /// Stands for a `steps.yaml` that is not YAML.
    pub(crate) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }
}

/// Reads the file.
pub(crate) fn steps(reader: &mut Reader<'_>, root: &Node) -> ReadSteps {
    let mut read = ReadSteps::default();
    let Some(map) = reader.closed_map(root, "`steps.yaml`", &STEPS_FILE) else {
        return ReadSteps::unknown();
    };
    if let Some(custom) = map.get("custom").and_then(|node| reader.map(node, "`custom`")) {
        for entry in custom.entries {
            let key = custom_key(reader, entry);
            match (key, custom_step(reader, entry)) {
                (Some(key), Some(step)) => {
                    read.spans.push((key.clone(), entry.key_span));
                    read.book.custom.insert(key, step);
                }
                _ => {
                    read.broken.insert(entry.key.to_string());
                }
            }
        }
    }
    if let Some(managed) = map.get("managed").and_then(|node| reader.map(node, "`managed`")) {
        managed_steps(reader, &managed, &mut read);
    }
    read
}

fn custom_key(reader: &mut Reader<'_>, entry: &Entry) -> Option<StepKey> {
    let key = literal::named(reader, (entry.key_span, &entry.key), "the name of a step", StepKey::new)?;
    let text = key.as_str();
    let reserved = if MANAGED_STEPS.iter().any(|managed| managed.eq_ignore_ascii_case(text)) {
        "Prelude carries this step out itself"
    } else if text.eq_ignore_ascii_case(COMPLETED) {
        "this is Prelude's word for a finished challenge"
    } else if LANGUAGE_WORDS.contains(&text) {
        "this is a word of the policy language"
    } else {
        return Some(key);
    };
    let help = "choose another name; where a managed step can be walked is said under `managed`";
    reader.fault(
        Code::ReservedStep,
        entry.key_span,
        format!("no step may be called `{text}`: {reserved}"),
        help,
    );
    None
}

fn custom_step(reader: &mut Reader<'_>, entry: &Entry) -> Option<CustomStep> {
    let before = reader.count();
    let what = format!("the step `{}`", entry.key);
    let map = reader.closed_map(&entry.value, &what, &CUSTOM_STEP)?;
    let description =
        reader.required(&map, "description", &what).and_then(|node| reader.text(node, "`description`"));
    let platforms = match map.get("platforms") {
        Some(node) => platforms(reader, node),
        None => Some(Platforms::WEB_ONLY),
    };
    let expires_in =
        map.get("expires_in").and_then(|node| literal::seconds(reader, node, "`expires_in`", Seconds::MAX));
    let token_ttl =
        map.get("token_ttl").and_then(|node| literal::seconds(reader, node, "`token_ttl`", TOKEN_TTL_MAX));
    let approved_by = reader.required(&map, "approved_by", &what).and_then(|node| approvers(reader, node));
    let without_verdict = map.get("without_verdict").and_then(|node| reader.truth(node, "`without_verdict`"));
    let approval_valid_for = map
        .get("approval_valid_for")
        .and_then(|node| literal::span(reader, node, "`approval_valid_for`", (1, APPROVAL_SECONDS_MAX)));
    let step = CustomStep {
        description: description?.into(),
        platforms: platforms?,
        expires_in,
        token_ttl,
        approved_by: approved_by?,
        without_verdict: without_verdict.is_some_and(Truth::is_yes),
        approval_valid_for: approval_valid_for.map(|seconds| Duration::from_secs(seconds.into())),
    };
    (reader.count() == before).then_some(step)
}

fn platforms(reader: &mut Reader<'_>, node: &Node) -> Option<Platforms> {
    let items = reader.some_list(node, "`platforms`")?;
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        named.push((item.span, reader.word(item, "a platform", &PLATFORM_NAMES)?));
    }
    reader.refuse_repeats(&named, "`platforms`");
    Some(named.iter().fold(Platforms::NONE, |set, (_, name)| set.with(&Platform::from_wire(name))))
}

fn approvers(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Approver>> {
    let items = reader.some_list(node, "`approved_by`")?;
    let mut approvers = Vec::with_capacity(items.len());
    let mut named = Vec::with_capacity(items.len());
    for item in items {
        let text = reader.text(item, "an approver")?;
        named.push((item.span, text));
        if let Some(approver) = Approver::parse(text) {
            approvers.push(approver);
        } else {
            let help = "write `backend`, `person` or `provider:NAME`";
            reader.fault(Code::UnknownValue, item.span, format!("`{text}` cannot approve a step"), help);
        }
    }
    reader.refuse_repeats(&named, "`approved_by`");
    Some(approvers)
}

fn managed_steps(reader: &mut Reader<'_>, managed: &Map<'_>, read: &mut ReadSteps) {
    for entry in managed.entries {
        let known = read.book.managed.keys().find(|key| key.as_str() == &*entry.key).cloned();
        let Some(key) = known else {
            let message = format!("`{}` is not a managed step", entry.key);
            reader.fault(
                Code::UnknownStep,
                entry.key_span,
                message,
                did_you_mean(&entry.key, &MANAGED_STEPS),
            );
            continue;
        };
        let what = format!("the step `{key}`");
        let Some(map) = reader.closed_map(&entry.value, &what, &MANAGED_STEP) else { continue };
        let platforms = reader.required(&map, "platforms", &what).and_then(|node| platforms(reader, node));
        if let Some(platforms) = platforms {
            read.book.managed.insert(key, platforms);
        } else {
            read.broken.insert(entry.key.to_string());
        }
    }
}
