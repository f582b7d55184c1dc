//! regorus: the policy compiled for its register machine, which is its fastest way.

use std::fmt::Write as _;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Rc, Value};

use super::conditions::{self, Apart};
use super::{Contender, OTHERWISE};
use crate::asked::Asked;
use crate::fault::{Fault, Outcome, While as _};

const NAME: &str = "regorus 0.14";
const RULES: &str = include_str!("../../rules/transfer.rego");
const CONDITIONS: &str = include_str!("../../rules/conditions/rego.txt");
/// Where the rules end and the functions begin that conditions call.
const FUNCTIONS: &str = "\nat_least(usd, _)";

/// A machine with a program, and one input a request.
struct Machine {
    machine: RegoVM,
    inputs: Vec<Value>,
}

impl Machine {
    fn new(rules: String, entry: &str, asked: &[Asked]) -> Outcome<Self> {
        let mut engine = Engine::new();
        engine.add_policy("transfer.rego".to_owned(), rules).doing("reading the rules")?;
        let point: Rc<str> = entry.into();
        let compiled = engine.compile_with_entrypoint(&point).doing("compiling the rules")?;
        let program = Compiler::compile_from_policy(&compiled, &[entry]).doing("compiling the rules")?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(Value::new_object()).doing("loading")?;
        let inputs = asked.iter().map(|asked| Value::from_json_str(&asked.json().to_string()));
        let inputs = inputs.collect::<Result<_, _>>().doing("reading a request")?;
        Ok(Self { machine, inputs })
    }

    fn execute(&mut self, at: usize) -> Outcome<Value> {
        let input = self.inputs.get(at).ok_or_else(|| Fault::new("no such request"))?;
        self.machine.set_input(input.clone());
        self.machine.execute().doing("evaluating")
    }
}

/// The rules as a chain. Stops at what settles a rule, and at the first rule that holds.
pub(super) struct Rego(Machine);

impl Rego {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        Machine::new(RULES.to_owned(), "data.bench.rule", asked).map(Self)
    }
}

impl Contender for Rego {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let decided = self.0.execute(at)?;
        take(decided.as_string().doing("reading a decision")?, "");
        Ok(())
    }
}

/// The conditions as a set of those that hold, each evaluated.
pub(super) struct RegoWhole {
    machine: Machine,
    rules: Vec<Apart>,
    /// Each condition's place, as the set has it.
    places: Vec<Value>,
}

impl RegoWhole {
    pub(super) fn new(asked: &[Asked]) -> Outcome<Self> {
        let (rules, texts) = conditions::read(CONDITIONS);
        let mut program = String::from("package bench\n\nimport rego.v1\n\n");
        for (at, text) in texts.iter().enumerate() {
            _ = writeln!(program, "held contains {at} if {{ {text} }}");
        }
        let functions = RULES.find(FUNCTIONS).and_then(|at| RULES.get(at..));
        program.push_str(functions.ok_or_else(|| Fault::new("the rules have no functions"))?);
        let machine = Machine::new(program, "data.bench.held", asked)?;
        let places = (0..texts.len()).map(Value::from).collect();
        Ok(Self { machine, rules, places })
    }
}

impl Contender for RegoWhole {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn decide(&mut self, at: usize, take: &mut dyn FnMut(&str, &str)) -> Outcome<()> {
        let decided = self.machine.execute(at)?;
        let held = decided.as_set().doing("reading a decision")?;
        let outcomes: String =
            self.places.iter().map(|place| if held.contains(place) { '1' } else { '0' }).collect();
        let (rule, outcomes) = conditions::first(&self.rules, &outcomes);
        take(rule.unwrap_or(OTHERWISE), outcomes);
        Ok(())
    }
}
