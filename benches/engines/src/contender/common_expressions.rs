//! cel: one compiled program a rule, tried in order until one holds.

use cel::{Context, Program, Value};

use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const RULES: &str = include_str!("../../rules/transfer.cel");

/// Programs and one filled context a request.
pub(super) struct Cel {
    rules: Vec<(&'static str, Program)>,
    contexts: Vec<Context<'static, 'static>>,
}

impl Cel {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let mut lines = RULES.lines().filter(|line| !line.starts_with("//"));
        let mut rules = Vec::new();
        while let (Some(name), Some(text)) = (lines.next(), lines.next()) {
            let program = Program::compile(text).doing("compiling a rule")?;
            rules.push((name.trim_start_matches("# "), program));
        }
        let contexts = asked.iter().map(context).collect::<Outcome<_>>()?;
        Ok(Self { rules, contexts })
    }
}

fn context(asked: &Asked) -> Outcome<Context<'static, 'static>> {
    let mut context = Context::default();
    let serde_json::Value::Object(members) = asked.json() else { return Err(Fault::new("no object")) };
    for (name, value) in members {
        // Through serde a number would be unsigned, and the rules compare signed ones.
        match value.as_i64() {
            Some(number) => context.add_variable(name, number).doing("filling a context")?,
            None => context
                .add_variable(name, cel::to_value(value).doing("filling a context")?)
                .doing("filling")?,
        }
    }
    Ok(context)
}

impl Contender for Cel {
    fn name(&self) -> String {
        "cel 0.15".to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str)) -> Outcome<()> {
        let context = self.contexts.get(at).ok_or_else(|| Fault::new("no such request"))?;
        for (name, program) in &self.rules {
            match program.execute(context).doing("evaluating a rule")? {
                Value::Bool(true) => {
                    take(name);
                    return Ok(());
                }
                Value::Bool(false) => {}
                _ => return Err(Fault::new("a rule is neither true nor false")),
            }
        }
        take(OTHERWISE);
        Ok(())
    }
}
