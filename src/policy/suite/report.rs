//! What running a suite found, for people and for programs.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::coverage::Covered;

/// What running a suite found. As JSON its shape is stable: members may be added, none changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// How many tests there are.
    pub(super) tests: usize,
    /// Those that did not get what they expect, in file order.
    pub(super) failed: Vec<Failure>,
    /// What was reached.
    pub(super) coverage: Covered,
}

/// A test that did not get what it expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The file.
    pub(super) file: Box<str>,
    /// The line of the test's name, from 1.
    pub(super) line: usize,
    /// What people call it.
    pub(super) name: Box<str>,
    /// Everything about the decision beside what was expected of it.
    pub(super) rows: Vec<Difference>,
}

/// One thing about a decision, expected and actual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    field: &'static str,
    expected: Option<String>,
    actual: String,
}

impl Difference {
    /// Sets the two side by side. An actual text may be empty where there is nothing.
    pub(super) fn new(field: &'static str, expected: Option<&str>, actual: &str) -> Self {
        Self { field, expected: expected.map(str::to_owned), actual: actual.to_owned() }
    }

    /// Whether something else was expected.
    pub(super) fn differs(&self) -> bool {
        self.expected.as_ref().is_some_and(|expected| *expected != self.actual)
    }
}

impl Report {
    /// Whether every test got what it expects.
    pub(crate) const fn is_as_expected(&self) -> bool {
        self.failed.is_empty()
    }

    /// How much of the bundle its tests reached, in whole percent, rounded down.
    pub(crate) fn percent_covered(&self) -> usize {
        self.coverage.percent()
    }
}

/// A word of a table: what is empty shows as `-`, and what nobody asked for not at all.
fn shown(word: &str) -> &str {
    if word.is_empty() { "-" } else { word }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = |row: &Difference| row.expected.as_deref().map_or("", shown).to_owned();
        let width = self.rows.iter().map(|row| expected(row).chars().count()).max().unwrap_or(0);
        let width = width.max("expected".len());
        writeln!(f, "{}:{}: {}", self.file, self.line, self.name)?;
        writeln!(f, "              {:<width$}  actual", "expected")?;
        for row in &self.rows {
            let mark = if row.differs() { '!' } else { ' ' };
            writeln!(f, "    {mark} {:<7} {:<width$}  {}", row.field, expected(row), shown(&row.actual))?;
        }
        Ok(())
    }
}

/// What differs, the totals, and what no test reached.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(f, "{failure}")?;
        }
        let (failed, covered) = (self.failed.len(), &self.coverage);
        writeln!(f, "tests: {} as expected, {failed} differ", self.tests - failed)?;
        write!(f, "coverage: {} of {} parts, {} %", covered.reached, covered.parts, covered.percent())?;
        let place = |missed: &super::coverage::Missed| {
            let rule = missed.rule.as_ref().map_or("otherwise", |rule| rule.as_str());
            (format!("{}:{}", missed.file, missed.line), rule.to_owned())
        };
        let places: Vec<_> = covered.missed.iter().map(place).collect();
        let wide = |of: fn(&(String, String)) -> &String| {
            places.iter().map(|place| of(place).chars().count()).max().unwrap_or(0)
        };
        let (line_width, rule_width) = (wide(|place| &place.0), wide(|place| &place.1));
        for ((line, rule), missed) in places.iter().zip(&covered.missed) {
            write!(f, "\n  {line:<line_width$}  {rule:<rule_width$}  {}", missed.what)?;
        }
        Ok(())
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 4)?;
        report.serialize_field("tests", &self.tests)?;
        report.serialize_field("as_expected", &(self.tests - self.failed.len()))?;
        report.serialize_field("failed", &self.failed)?;
        report.serialize_field("coverage", &self.coverage)?;
        report.end()
    }
}

/// Only what differs.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let differences: Vec<_> = self.rows.iter().filter(|row| row.differs()).collect();
        let mut failure = serializer.serialize_struct("Failure", 4)?;
        failure.serialize_field("file", &self.file)?;
        failure.serialize_field("line", &self.line)?;
        failure.serialize_field("name", &self.name)?;
        failure.serialize_field("differences", &differences)?;
        failure.end()
    }
}

impl Serialize for Difference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Difference", 3)?;
        row.serialize_field("field", self.field)?;
        row.serialize_field("expected", &self.expected)?;
        row.serialize_field("actual", &self.actual)?;
        row.end()
    }
}
