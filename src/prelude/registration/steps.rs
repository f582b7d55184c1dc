//! The custom step keys: what is missing comes, what is described otherwise changes, and nothing goes unasked.

use serde_json::{Map, Value, json};

use super::{OldSteps, Plan, PlanObstacle, Sign, Wanted};

const PART: &str = "step_keys";

/// Brings the step keys into agreement, in place: what stays keeps its place and its other members.
///
/// # Errors
/// [`PlanObstacle::Unreadable`].
pub(super) fn plan(
    plan: &mut Plan,
    after: &mut Map<String, Value>,
    wanted: &Wanted,
) -> Result<(), PlanObstacle> {
    let entries = match after.remove(PART) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(PlanObstacle::Unreadable("step_keys is no list")),
    };
    let mut kept = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let key = key_of(&entry)?.to_owned();
        match wanted.steps.iter().find(|(wanted, _)| *wanted == key) {
            Some((_, description)) => {
                describe(plan, &mut entry, (&key, description))?;
                kept.push(entry);
            }
            None if wanted.old_steps == OldSteps::Go => plan.line(Sign::Remove, PART, key),
            None => {
                plan.notes.push(format!("step_keys: {key} is not in the bundle and stays (--prune-steps)"));
                kept.push(entry);
            }
        }
    }
    for (key, description) in &wanted.steps {
        if !kept.iter().any(|entry| key_of(entry) == Ok(key.as_str())) {
            plan.line(Sign::Add, PART, format!("{key}: {description}"));
            kept.push(json!({ "key": key, "description": description }));
        }
    }
    after.insert(PART.to_owned(), Value::Array(kept));
    Ok(())
}

fn key_of(entry: &Value) -> Result<&str, PlanObstacle> {
    let key = entry.get("key").and_then(Value::as_str);
    key.ok_or(PlanObstacle::Unreadable("a step key has no `key`"))
}

fn describe(
    plan: &mut Plan,
    entry: &mut Value,
    (key, description): (&str, &str),
) -> Result<(), PlanObstacle> {
    let held = entry.get("description").and_then(Value::as_str).unwrap_or_default();
    if held == description {
        return Ok(());
    }
    plan.line(Sign::Change, PART, format!("{key}: {held:?} -> {description:?}"));
    let members = entry.as_object_mut().ok_or(PlanObstacle::Unreadable("a step key is no object"))?;
    members.insert("description".to_owned(), json!(description));
    Ok(())
}
