//! cel: one compiled program a rule, tried in order until one holds; and one program a condition, all of them evaluated.

use cel::{Context, Program, Value};

use super::conditions::{self, Apart};
use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const NAME: &str = "cel 0.15";
const RULES: &str = include_str!("../../rules/transfer.cel");
const CONDITIONS: &str = include_str!("../../rules/conditions/cel.txt");

/// Programs of whole rules, and one filled context a request. Stops at what settles a rule.
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

/// Programs of single conditions. Evaluates all those of each rule that is tried, and notes every outcome.
pub(super) struct CelWhole {
    rules: Vec<Apart>,
    programs: Vec<Program>,
    contexts: Vec<Context<'static, 'static>>,
}

impl CelWhole {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let (rules, texts) = conditions::read(CONDITIONS);
        let programs = texts.into_iter().map(|text| Program::compile(text).doing("compiling a condition"));
        let programs = programs.collect::<Outcome<_>>()?;
        let contexts = asked.iter().map(context).collect::<Outcome<_>>()?;
        Ok(Self { rules, programs, contexts })
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

fn truth(program: &Program, context: &Context<'_, '_>) -> Outcome<bool> {
    match program.execute(context).doing("evaluating")? {
        Value::Bool(truth) => Ok(truth),
        _ => Err(Fault::new("neither true nor false")),
    }
}

impl Contender for Cel {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let context = self.contexts.get(at).ok_or_else(|| Fault::new("no such request"))?;
        for (name, program) in &self.rules {
            if truth(program, context)? {
                take(name, "");
                return Ok(());
            }
        }
        take(OTHERWISE, "");
        Ok(())
    }
}

impl Contender for CelWhole {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let context = self.contexts.get(at).ok_or_else(|| Fault::new("no such request"))?;
        let mut outcomes = String::with_capacity(self.programs.len());
        for rule in &self.rules {
            for program in self.programs.get(rule.conditions.clone()).unwrap_or_default() {
                outcomes.push(if truth(program, context)? { '1' } else { '0' });
            }
            if outcomes.as_bytes().get(rule.conditions.clone()).is_some_and(|outcomes| rule.holds(outcomes)) {
                take(rule.name, &outcomes);
                return Ok(());
            }
        }
        take(OTHERWISE, &outcomes);
        Ok(())
    }
}
