//! A bundle: every policy file together, checked whole, named by its hash.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use aws_lc_rs::digest;

use super::condition::Program;
use super::diagnostic::{Code, Diagnostic, Diagnostics, Findings, Severity, Span};
use super::lists::read::{self as list_file, KeptList, ReadLists};
use super::rates::read::{self as rates_file, ReadRates};
use super::reader::Reader;
use super::rules::Rule;
use super::scope_file::{self, ReadAlways, ScopePolicy, Shared};
use super::source::{self, SourceFile};
use super::steps::read::{self as steps_file, ReadSteps};
use super::steps::{CustomStep, StepBook};
use super::yaml::{self, Node};
use crate::domain::{BundleHash, RuleId, Scope, StepKey, Timestamp};

mod unused;

const STEPS_FILE: &str = "steps.yaml";
const RATES_FILE: &str = "rates.yaml";
pub(super) const ALWAYS_FILE: &str = "always.yaml";
/// The most errors of a bundle that are shown, and the most warnings.
const FINDINGS_MAX: usize = 2000;
const GRANTS_FILE: &str = "grants.yaml";

mod history;

/// Policies in force: immutable, so that a new bundle replaces it in one step and no call sees half of one.
pub(crate) struct Bundle {
    hash: BundleHash,
    text: String,
    files: usize,
    always: Vec<Rule>,
    /// The conditions of those rules as they are evaluated.
    always_program: Program,
    policies: Vec<ScopePolicy>,
    by_scope: HashMap<Scope, usize, BuildHasherDefault<NameHasher>>,
    steps: StepBook,
    lists: BTreeMap<Box<str>, KeptList>,
    rates_good_until: Option<Timestamp>,
    warnings: Diagnostics,
}

/// The hash says all: the text is long.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("hash", &self.hash).field("scopes", &self.by_scope.len()).finish()
    }
}

impl Bundle {
    /// The SHA-256 of [`Self::text`].
    pub(crate) const fn hash(&self) -> BundleHash {
        self.hash
    }

    /// Every file in one text, from which `source::split_canonical` gets them back.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What should be looked at although the bundle loads.
    pub(crate) const fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// Until when the exchange rates may be used; `None` without any.
    pub(crate) const fn rates_good_until(&self) -> Option<Timestamp> {
        self.rates_good_until
    }

    /// The scopes that are covered, sorted.
    pub(crate) fn scopes(&self) -> Vec<&Scope> {
        let mut scopes: Vec<_> = self.by_scope.keys().collect();
        scopes.sort_unstable();
        scopes
    }

    /// A custom step; `None` for a managed or unknown one.
    pub(crate) fn step(&self, key: &StepKey) -> Option<&CustomStep> {
        self.steps.custom.get(key)
    }

    /// The keys of all custom steps, sorted.
    pub(crate) fn custom_steps(&self) -> Vec<&StepKey> {
        let mut keys: Vec<_> = self.steps.custom.keys().collect();
        keys.sort_unstable();
        keys
    }

    /// How many files the bundle has.
    pub(crate) const fn file_count(&self) -> usize {
        self.files
    }

    /// How many rules the bundle has, those before every scope included.
    pub(crate) fn rule_count(&self) -> usize {
        self.always.len() + self.policies.iter().map(|policy| policy.rules.len()).sum::<usize>()
    }

    /// Every rule that decides, and `None` for one that observes, in the order of their [places](crate::domain::RulePlace): its
    /// file's name without `.yaml`, and its own.
    pub(crate) fn deciding_rules(&self) -> impl Iterator<Item = Option<(&str, &RuleId)>> {
        let always = self.always.iter().map(|rule| (ALWAYS_FILE, rule));
        let own =
            self.policies.iter().flat_map(|policy| policy.rules.iter().map(|rule| (&*policy.file, rule)));
        always.chain(own).map(|(file, rule)| {
            (!rule.observes()).then(|| (file.strip_suffix(".yaml").unwrap_or(file), &rule.id))
        })
    }

    /// What a rule has to say to the customer's backend, for a scope that it decided.
    pub(crate) fn message(&self, scope: &Scope, rule: &RuleId) -> Option<&str> {
        let own = self.policy(scope).map_or([].as_slice(), |policy| policy.rules.as_slice());
        let found = self.always.iter().chain(own).find(|candidate| candidate.id == *rule);
        found.and_then(|rule| rule.message.as_deref())
    }

    pub(super) fn policy(&self, scope: &Scope) -> Option<&ScopePolicy> {
        self.by_scope.get(scope).and_then(|at| self.policies.get(*at))
    }

    /// The lists, by name.
    pub(super) const fn lists(&self) -> &BTreeMap<Box<str>, KeptList> {
        &self.lists
    }

    pub(super) fn always(&self) -> &[Rule] {
        &self.always
    }

    /// The conditions of the rules before every scope, as they are evaluated.
    pub(super) const fn always_program(&self) -> &Program {
        &self.always_program
    }

    /// Every scope file's policy with its scopes, in the order of the files.
    pub(super) fn policies(&self) -> Vec<(&ScopePolicy, Vec<&Scope>)> {
        let mut all: Vec<_> = self.policies.iter().map(|policy| (policy, Vec::new())).collect();
        for (scope, at) in &self.by_scope {
            if let Some((_, scopes)) = all.get_mut(*at) {
                scopes.push(scope);
            }
        }
        all
    }
}

/// Hashes the names in a bundle eight bytes at a time. Whoever asks chooses what is looked up, but only the bundle's author what
/// is found: so nobody can make a table slow from outside.
#[derive(Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        // 2^64 divided by the golden ratio: spreads neighbouring numbers.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut add = |word: u64| self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(SPREAD);
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        add(rest.iter().fold(1, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}

/// Checks files and makes a bundle of them.
///
/// - `now`: what is too old, or over, is judged by it; not at all without it.
///
/// # Errors
/// Everything that is wrong with them, with the warnings among it; there is no bundle then.
pub(super) fn load(files: &[SourceFile], now: Option<Timestamp>) -> Result<Bundle, Diagnostics> {
    let found = source::check_files(files);
    if !found.is_empty() {
        return Err(Diagnostics::new(found));
    }
    let mut loader = Loader { found: Findings::up_to(FINDINGS_MAX), unreadable: HashSet::new() };
    let trees = loader.parse(files);
    let (steps, lists) = (loader.steps(&trees), loader.lists(files));
    let rates = loader.rates(&trees, now);
    let claims = loader.claims(&trees);
    let schemas = history::schemas(&claims);
    let neighbours = loader.neighbours(&trees, &claims, &schemas);
    let shared = Shared { steps: &steps, lists: &lists, rates: &rates, neighbours: &neighbours, now };
    let always = loader.always(&trees, &claims, shared);
    let policies = loader.policies(&claims, shared, &always);
    if !loader.found.has_errors() {
        loader.unused_steps(&trees, &steps, &policies);
        loader.unused_lists(&lists, &always, &policies);
        loader.unused_rates(&trees, &policies);
    }
    let findings = Diagnostics::new(listed(loader.found));
    if findings.has_errors() {
        return Err(findings);
    }
    #[cfg(test)]
    trees.iter().for_each(|tree| super::grammar::tests::expect_file_fits(tree.file.name(), &tree.root));
    let text = source::canonical_text(files);
    let always: Vec<Rule> = always.rules.rules.into_iter().map(|read| read.rule).collect();
    let mut bundle = Bundle {
        hash: hash_of(&text),
        text,
        files: files.len(),
        always_program: Program::of(always.iter().map(|rule| &rule.when)),
        always,
        policies: Vec::with_capacity(policies.len()),
        by_scope: HashMap::default(),
        steps: steps.book,
        lists: lists.into_kept(),
        rates_good_until: rates.known().map(|rates| rates.good_until()),
        warnings: findings,
    };
    let mut first_place = bundle.always.len();
    for (scopes, mut policy) in policies {
        policy.first_place = first_place;
        first_place += policy.rules.len();
        let at = bundle.policies.len();
        bundle.by_scope.extend(scopes.into_iter().map(|scope| (scope, at)));
        bundle.policies.push(policy);
    }
    Ok(bundle)
}

/// The hash of a bundle with this text.
pub(super) fn hash_of(text: &str) -> BundleHash {
    let mut hash = [0; 32];
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    BundleHash::from_digest(hash)
}

/// A file with its tree.
struct Tree<'f> {
    file: &'f SourceFile,
    root: Node,
}

/// A scope file and the scopes that it claims.
struct Claim<'t, 'f> {
    tree: &'t Tree<'f>,
    scopes: Vec<(Scope, Span)>,
}

/// What was found while a bundle is being checked.
struct Loader {
    found: Findings,
    /// The files that are not YAML: what they hold is not known, so nobody complains that it is missing.
    unreadable: HashSet<String>,
}

impl Loader {
    fn parse<'f>(&mut self, files: &'f [SourceFile]) -> Vec<Tree<'f>> {
        let mut trees = Vec::with_capacity(files.len());
        for file in files.iter().filter(|file| source::list_name(file.name()).is_none()) {
            match yaml::parse(file) {
                Ok(root) => trees.push(Tree { file, root }),
                Err(faults) => {
                    self.unreadable.insert(file.name().to_owned());
                    self.found.extend(faults);
                }
            }
        }
        trees.sort_by(|a, b| a.file.name().cmp(b.file.name()));
        trees
    }

    fn read<T>(&mut self, file: &SourceFile, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let mut reader = Reader::new(file);
        let value = read(&mut reader);
        self.found.extend(reader.into_findings());
        value
    }

    fn steps(&mut self, trees: &[Tree<'_>]) -> ReadSteps {
        if self.unreadable.contains(STEPS_FILE) {
            return ReadSteps::unknown();
        }
        named(trees, STEPS_FILE).map_or_else(ReadSteps::default, |tree| {
            self.read(tree.file, |reader| steps_file::steps(reader, &tree.root))
        })
    }

    fn rates(&mut self, trees: &[Tree<'_>], now: Option<Timestamp>) -> ReadRates {
        if self.unreadable.contains(RATES_FILE) {
            return ReadRates::Broken;
        }
        named(trees, RATES_FILE).map_or(ReadRates::Absent, |tree| {
            self.read(tree.file, |reader| rates_file::rates(reader, &tree.root, now))
        })
    }

    fn lists<'f>(&mut self, files: &'f [SourceFile]) -> ReadLists<'f> {
        let named = files.iter().filter_map(|file| Some((source::list_name(file.name())?, file)));
        ReadLists::new(
            named.map(|(name, file)| self.read(file, |reader| list_file::list(reader, name, file))).collect(),
        )
    }

    fn claims<'t, 'f>(&mut self, trees: &'t [Tree<'f>]) -> Vec<Claim<'t, 'f>> {
        let mut claims = Vec::with_capacity(trees.len());
        let mut taken: HashMap<Scope, (&str, usize)> = HashMap::new();
        for tree in trees.iter().filter(|tree| is_scope_file(tree.file.name())) {
            let name = tree.file.name();
            let scopes = self.read(tree.file, |reader| {
                let scopes = scope_file::scopes(reader, &tree.root);
                for (scope, span) in &scopes {
                    if let Some((file, line)) = taken.get(scope) {
                        let message = format!("`{scope}` is covered already, in {file} line {line}");
                        let help = "one file decides about a scope: remove it from one of the two";
                        reader.fault(Code::DuplicateScope, *span, message, help);
                    } else {
                        taken.insert(scope.clone(), (name, span.line));
                    }
                }
                scopes
            });
            claims.push(Claim { tree, scopes });
        }
        if claims.is_empty() && !self.unreadable.iter().any(|name| is_scope_file(name)) {
            let file = SourceFile::new(".".to_owned(), String::new());
            let message = "the bundle covers no scope: every request would be blocked".to_owned();
            let help = "add a file with `scopes`, `rules` and `otherwise`".to_owned();
            self.found.extend([file.finding((Severity::Error, Code::NoScopes), Span::START, message, help)]);
        }
        claims
    }

    fn always(&mut self, trees: &[Tree<'_>], claims: &[Claim<'_, '_>], shared: Shared<'_>) -> ReadAlways {
        let Some(tree) = named(trees, ALWAYS_FILE) else { return ReadAlways::default() };
        let scopes: Vec<Scope> = claims.iter().flat_map(|claim| own_scopes(claim)).collect();
        self.read(tree.file, |reader| scope_file::always(reader, &tree.root, &scopes, shared))
    }

    fn policies(
        &mut self,
        claims: &[Claim<'_, '_>],
        shared: Shared<'_>,
        always: &ReadAlways,
    ) -> Vec<(Vec<Scope>, ScopePolicy)> {
        let mut policies = Vec::with_capacity(claims.len());
        for claim in claims {
            let (tree, scopes) = (claim.tree, own_scopes(claim));
            let policy = self
                .read(tree.file, |reader| scope_file::policy(reader, &tree.root, &scopes, shared, always));
            policies.extend(policy.map(|policy| (scopes, policy)));
        }
        policies
    }
}

/// What was kept of the findings, and how many more there are.
fn listed(findings: Findings) -> Vec<Diagnostic> {
    SourceFile::new(".".to_owned(), String::new()).listed(findings)
}

fn named<'t, 'f>(trees: &'t [Tree<'f>], name: &str) -> Option<&'t Tree<'f>> {
    trees.iter().find(|tree| tree.file.name() == name)
}

fn own_scopes(claim: &Claim<'_, '_>) -> Vec<Scope> {
    claim.scopes.iter().map(|(scope, _)| scope.clone()).collect()
}

fn is_scope_file(name: &str) -> bool {
    ![STEPS_FILE, ALWAYS_FILE, RATES_FILE, GRANTS_FILE].contains(&name)
}

#[cfg(test)]
mod tests;
