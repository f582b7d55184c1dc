//! regorus: the policy compiled for its register machine, which is its fastest way.

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Rc, Value};

use super::Contender;
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const RULES: &str = include_str!("../../rules/transfer.rego");
const ENTRY: &str = "data.bench.rule";

/// A machine with its program, and one input a request.
pub(super) struct Rego {
    machine: RegoVM,
    inputs: Vec<Value>,
}

impl Rego {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let mut engine = Engine::new();
        engine.add_policy("transfer.rego".to_owned(), RULES.to_owned()).doing("reading the rules")?;
        let entry: Rc<str> = ENTRY.into();
        let compiled = engine.compile_with_entrypoint(&entry).doing("compiling the rules")?;
        let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).doing("compiling the rules")?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(Value::new_object()).doing("loading")?;
        let inputs = asked.iter().map(|asked| Value::from_json_str(&asked.json().to_string()));
        let inputs = inputs.collect::<Result<_, _>>().doing("reading a request")?;
        Ok(Self { machine, inputs })
    }
}

impl Contender for Rego {
    fn name(&self) -> String {
        "regorus 0.14".to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str)) -> Outcome<()> {
        let input = self.inputs.get(at).ok_or_else(|| Fault::new("no such request"))?;
        self.machine.set_input(input.clone());
        let decided = self.machine.execute().doing("evaluating")?;
        take(decided.as_string().doing("reading a decision")?);
        Ok(())
    }
}
