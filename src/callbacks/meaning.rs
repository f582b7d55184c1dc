//! What a provider's event means: first whether it is of the right kind at all, then which of its words it says.

use super::document::Document;
use crate::domain::{EventId, Match, OutcomeWords, Overrides, Pointer, ProviderOutcome};

/// In the place of a value: nothing stands there. No value of a document is empty.
pub(super) const ABSENT: &str = "";

/// The longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 64;

/// What a rule concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A final approval.
    Approved,
    /// A final rejection.
    Rejected,
    /// Known, and nothing decided.
    Pending,
    /// The check ran out of time.
    Expired,
    /// An approval is taken back.
    Reset,
}

/// A value that must stand somewhere: the JSON pointer, and what counts.
pub(super) type StaticTest = (&'static str, &'static [&'static str]);

/// What a scheme says by itself.
pub(super) struct Dialect {
    /// Where our reference stands; the first that is there counts.
    pub(super) reference: &'static [&'static str],
    /// Where the event's id stands, if it has one.
    pub(super) id: Option<&'static str>,
    /// Where its moment stands; the first that is one counts.
    pub(super) happened_at: &'static [&'static str],
    /// Where the cause of a rejection stands.
    pub(super) reason: Option<&'static str>,
    /// What marks an event as live, unless settings require another value there.
    pub(super) live: Option<(&'static str, &'static str)>,
    /// What follows from what; the first rule whose tests all hold decides.
    pub(super) rules: &'static [(&'static [StaticTest], Word)],
}

/// How a source's events are read.
pub(super) struct Meaning {
    reference: Vec<Box<str>>,
    id: Option<Box<str>>,
    happened_at: Vec<Box<str>>,
    reason: Option<Box<str>>,
    requires: Vec<(Box<str>, Box<str>)>,
    rules: Vec<Rule>,
}

struct Rule {
    tests: Vec<(Box<str>, Vec<Box<str>>)>,
    word: Word,
}

/// What was read of an event.
pub(super) struct Reading {
    /// Its id, if it says one.
    pub(super) id: Option<EventId>,
    /// The reference in it.
    pub(super) reference: Option<Box<str>>,
    /// What follows.
    pub(super) outcome: ProviderOutcome,
    /// When it happened.
    pub(super) happened_at: Option<crate::domain::Timestamp>,
    /// Whether it may be acted on.
    pub(super) matches: Match,
}

impl Meaning {
    /// Lays what is configured over what the scheme says by itself.
    pub(super) fn new(
        dialect: &Dialect,
        words: Option<&OutcomeWords>,
        overrides: &Overrides,
        requires: &[(Pointer, Box<str>)],
    ) -> Self {
        let instead = |pointer: &Option<Pointer>, usual: &[&'static str]| match pointer {
            Some(pointer) => vec![pointer.as_str().into()],
            None => usual.iter().map(|usual| Box::from(*usual)).collect(),
        };
        let one = |pointer: &Option<Pointer>, usual: Option<&'static str>| {
            pointer.as_ref().map(Pointer::as_str).or(usual).map(Box::from)
        };
        let said: Vec<(Box<str>, Box<str>)> =
            requires.iter().map(|(at, value)| (at.as_str().into(), value.clone())).collect();
        let live = dialect.live.filter(|(at, _)| said.iter().all(|(said, _)| &**said != *at));
        Self {
            reference: instead(&overrides.reference, dialect.reference),
            id: one(&overrides.id, dialect.id),
            happened_at: instead(&overrides.happened_at, dialect.happened_at),
            reason: one(&overrides.reason, dialect.reason),
            requires: said.into_iter().chain(live.map(|(at, value)| (at.into(), value.into()))).collect(),
            rules: words.map_or_else(|| dialect.rules.iter().map(Rule::of).collect(), Rule::of_words),
        }
    }

    /// Reads an event whose signature held.
    pub(super) fn read(&self, document: &Document) -> Reading {
        let fits =
            self.requires.iter().all(|(at, value)| document.scalar(at).as_ref() == Some(&value.to_string()));
        let rule = self.rules.iter().find(|rule| rule.holds(document));
        let (matches, outcome) = match (fits, rule) {
            (false, _) => (Match::Mismatch, ProviderOutcome::Pending),
            (true, None) => (Match::UnknownWord, ProviderOutcome::Pending),
            (true, Some(rule)) => (Match::Known, self.outcome(rule, document)),
        };
        let reference = self.reference.iter().find(|at| document.has(at)).and_then(|at| document.scalar(at));
        Reading {
            id: self.id.as_deref().and_then(|at| document.scalar(at)).as_deref().and_then(EventId::given),
            reference: reference.map(String::into_boxed_str),
            outcome,
            happened_at: self.happened_at.iter().find_map(|at| document.moment(at)),
            matches,
        }
    }

    fn outcome(&self, rule: &Rule, document: &Document) -> ProviderOutcome {
        match rule.word {
            Word::Approved => ProviderOutcome::Approved,
            Word::Rejected => {
                let said = self.reason.as_deref().and_then(|at| document.scalar(at));
                let decided = || rule.tests.last().and_then(|(at, _)| document.scalar(at));
                let word =
                    said.filter(|said| is_word(said)).or_else(|| decided().filter(|word| is_word(word)));
                ProviderOutcome::Rejected(word.as_deref().unwrap_or("rejected").into())
            }
            Word::Pending => ProviderOutcome::Pending,
            Word::Expired => ProviderOutcome::Expired,
            Word::Reset => ProviderOutcome::Reset,
        }
    }
}

/// Whether a text is a word or number for machines, and so holds nothing about a person.
fn is_word(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    !text.is_empty() && text.len() <= REASON_CHARS_MAX && text.chars().all(is_part)
}

impl Rule {
    fn of((tests, word): &(&'static [StaticTest], Word)) -> Self {
        let test =
            |(at, values): &StaticTest| (Box::from(*at), values.iter().map(|v| Box::from(*v)).collect());
        Self { tests: tests.iter().map(test).collect(), word: *word }
    }

    fn of_words(words: &OutcomeWords) -> Vec<Self> {
        let lists = [
            (&words.approved, Word::Approved),
            (&words.rejected, Word::Rejected),
            (&words.pending, Word::Pending),
            (&words.expired, Word::Expired),
            (&words.reset, Word::Reset),
        ];
        let rule = |(values, word): (&Vec<Box<str>>, Word)| Self {
            tests: vec![(words.at.as_str().into(), values.clone())],
            word,
        };
        lists.into_iter().map(rule).collect()
    }

    fn holds(&self, document: &Document) -> bool {
        !self.tests.is_empty()
            && self.tests.iter().all(|(at, values)| {
                let stands = document.scalar(at);
                let absent = !document.has(at);
                values.iter().any(|value| match &**value {
                    ABSENT => absent,
                    value => stands.as_deref() == Some(value),
                })
            })
    }
}
