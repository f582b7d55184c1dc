//! Findings while they are being collected: however many faults there are, what is kept of them is bounded.

use super::{Diagnostic, Severity};

/// Findings in the order in which they came. Of each weight only the first ones are kept; the rest is counted. An error
/// is left out only where others are kept, so that leaving out never makes a bundle good.
#[derive(Debug)]
pub(crate) struct Findings {
    kept: Vec<Diagnostic>,
    /// Of each weight.
    most: usize,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Nothing found yet; of each weight, this many will be kept.
    pub(crate) const fn up_to(most: usize) -> Self {
        Self { kept: Vec::new(), most, errors: 0, warnings: 0 }
    }

    /// Notes a finding, which is made only if it is kept.
    pub(crate) fn note(&mut self, severity: Severity, make: impl FnOnce() -> Diagnostic) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= self.most {
            self.kept.push(make());
        }
    }

    /// Notes findings that were made already.
    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Diagnostic>) {
        findings.into_iter().for_each(|finding| self.note(finding.severity, || finding));
    }

    /// How many were noted, kept or not.
    pub(crate) const fn count(&self) -> usize {
        self.errors + self.warnings
    }

    /// Whether one of them keeps the bundle from loading.
    pub(crate) const fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many were not kept.
    pub(crate) const fn left_out(&self) -> usize {
        self.errors.saturating_sub(self.most) + self.warnings.saturating_sub(self.most)
    }

    /// Those that were kept, in the order in which they came.
    pub(crate) fn into_kept(self) -> Vec<Diagnostic> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::diagnostic::tests::sample;

    #[test]
    fn what_is_kept_is_bounded_and_what_is_not_is_counted() {
        let mut findings = Findings::up_to(2);
        let warning = Diagnostic { severity: Severity::Warning, ..sample() };
        findings.extend([warning.clone(), warning.clone(), warning.clone()]);
        assert!(!findings.has_errors());
        findings.note(Severity::Error, sample);
        assert!(findings.has_errors());
        assert_eq!((findings.count(), findings.left_out()), (4, 1));
        assert_eq!(findings.into_kept(), [warning.clone(), warning, sample()]);
    }
}
