//! An explanation for people: one line a rule and a condition, outcome first, values in one column.

use std::fmt;

use serde_json::Value;

use super::{ConditionTold, Explanation, RuleTold};

/// A line of the page.
struct Row {
    outcome: &'static str,
    /// What was asked, indented.
    what: String,
    /// What was there.
    saw: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |id: &str| {
            let decided = self.rules.last();
            decided.map_or_else(|| id.to_owned(), |rule| format!("{id}  ({}:{})", rule.file, rule.line))
        };
        writeln!(f, "verdict  {}", self.verdict)?;
        if !self.steps.is_empty() {
            writeln!(f, "steps    {}", self.steps.join(", "))?;
        }
        writeln!(
            f,
            "rule     {}",
            self.rule.as_ref().map_or_else(|| "-".to_owned(), |id| place(id.as_str()))
        )?;
        write!(f, "reason   {}", self.reason)?;
        if let Some(pause) = &self.pause {
            write!(f, "\npaused   {}", printable(&pause.to_string()))?;
        }
        if let Some(message) = &self.message {
            write!(f, "\nmessage  {}", printable(message))?;
        }
        let rows = self.rows();
        let width = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
        if !rows.is_empty() {
            write!(f, "\n\n{:<5}  {:<width$}  saw", "", "asked")?;
        }
        for row in &rows {
            let line = format!("{:<5}  {:<width$}  {}", row.outcome, row.what, row.saw);
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Explanation {
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for rule in &self.rules {
            let what = format!("{}  ({}:{}){}", rule.id, rule.file, rule.line, rule.remark());
            rows.push(Row { outcome: word(rule.held), what, saw: String::new() });
            rule.when.rows(1, &mut rows);
        }
        rows
    }
}

impl RuleTold {
    /// Why a rule whose condition held did not decide all the same.
    const fn remark(&self) -> &'static str {
        match (self.observes, self.active) {
            (true, true) => "  observes",
            (true, false) => "  observes, not active",
            (false, true) => "",
            (false, false) => "  not active",
        }
    }
}

impl ConditionTold {
    fn rows(&self, depth: usize, rows: &mut Vec<Row>) {
        let mut add = |held, what: &str, saw: Option<&Value>| {
            let what = format!("{}{what}", "  ".repeat(depth));
            rows.push(Row { outcome: word(held), what, saw: saw.map(shown).unwrap_or_default() });
        };
        match self {
            Self::Always { held } => add(*held, "always", None),
            Self::Test { field, asks, saw, held } => add(*held, &format!("{field}: {asks}"), saw.as_ref()),
            Self::All { held, parts } => {
                add(*held, "all", None);
                parts.iter().for_each(|part| part.rows(depth + 1, rows));
            }
            Self::Any { held, parts } => {
                add(*held, "any", None);
                parts.iter().for_each(|part| part.rows(depth + 1, rows));
            }
            Self::Not { held, part } => {
                add(*held, "not", None);
                part.rows(depth + 1, rows);
            }
        }
    }
}

const fn word(held: bool) -> &'static str {
    if held { "true" } else { "false" }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(absent)".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A user agent is anybody's text: it must not move the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
