//! Policies without a server: what measures and the fuzz targets hold.

use std::path::Path;

use crate::clock::{Clock as _, SystemClock};
use crate::domain::{Decision, Facts, History};
use crate::policy::{self, Bundle, DeskOverlay, Suite};
use crate::prelude;

/// A bundle that was checked and loaded.
pub struct Policies {
    bundle: Bundle,
    desk: DeskOverlay,
}

/// A request that a bundle decides about, with its past.
pub struct Request {
    facts: Facts,
    history: History,
}

/// What a bundle decided, with everything that is recorded of it.
pub struct Decided(Decision);

impl Policies {
    /// Checks files that are in memory: names and texts.
    ///
    /// # Errors
    /// Every finding, as the command line shows it; there is no bundle then.
    pub fn load(files: Vec<(String, String)>) -> Result<Self, String> {
        policy::load_files(files, SystemClock.now()).map(Self::of).map_err(|found| found.to_string())
    }

    /// Reads and checks a directory.
    ///
    /// # Errors
    /// Every finding, as the command line shows it; there is no bundle then.
    pub fn load_dir(directory: &Path) -> Result<Self, String> {
        policy::load_dir(directory, SystemClock.now()).map(Self::of).map_err(|found| found.to_string())
    }

    const fn of(bundle: Bundle) -> Self {
        Self { bundle, desk: DeskOverlay::none() }
    }

    /// The files that come with Doorstep: names and texts.
    #[must_use]
    pub fn shipped() -> Vec<(String, String)> {
        policy::shipped().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    /// How many rules the bundle has.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.bundle.rule_count()
    }

    /// Decides, as for a hook call.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decided {
        Decided(self.bundle.decide(&request.facts, &self.desk, &request.history))
    }

    /// Whether the conditions come out as in what was decided when they are walked as the files have them, without
    /// anything compiled.
    #[must_use]
    pub fn decides_plainly(&self, request: &Request, decided: &Decided) -> bool {
        let found = self.bundle.find_plainly(&request.facts, &self.desk, &request.history);
        let (rule, outcomes) = found.unwrap_or((None, String::new()));
        decided.0.rule.as_ref() == rule && decided.0.seen.outcomes == outcomes
    }

    /// Reads the requests of tests of these policies: names and texts.
    ///
    /// # Errors
    /// Every finding, as the command line shows it.
    pub fn requests(&self, tests: Vec<(String, String)>) -> Result<Vec<Request>, String> {
        let suite = Suite::load_files(tests, &self.bundle).map_err(|found| found.to_string())?;
        let each = suite.requests();
        Ok(each.map(|(facts, history)| Request { facts: facts.clone(), history: history.clone() }).collect())
    }
}

impl Request {
    /// Takes a call of a user without any past.
    pub(super) const fn of(facts: Facts) -> Self {
        Self { facts, history: History::none() }
    }

    /// Reads a request as policy tests write it, of a user without any past.
    ///
    /// # Errors
    /// Every finding, as the command line shows it.
    pub fn read(text: &str) -> Result<Self, String> {
        policy::read_request("request", text).map(Self::of).map_err(|found| found.to_string())
    }
}

impl Decided {
    /// The rule that decided; `None` where none did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.0.rule.as_ref().map(crate::domain::RuleId::as_str)
    }

    /// Why, as it is recorded.
    #[must_use]
    pub fn reason(&self) -> String {
        self.0.reason.to_string()
    }

    /// Each condition's outcome, as it is recorded.
    #[must_use]
    pub fn outcomes(&self) -> &str {
        &self.0.seen.outcomes
    }

    /// The values that conditions saw, as they are recorded.
    #[must_use]
    pub fn values_json(&self) -> &str {
        &self.0.seen.values_json
    }

    /// What Prelude is answered.
    #[must_use]
    pub fn answer(&self) -> String {
        prelude::answer(&self.0.verdict)
    }
}
