//! What was answered, and how fast.

use std::time::Duration;

use super::answer::Verdict;

/// How many calls got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Verdicts {
    /// Granted.
    pub(crate) r#continue: u64,
    /// Granted after steps.
    pub(crate) review: u64,
    /// Refused.
    pub(crate) block: u64,
}

impl Verdicts {
    /// How many there are.
    pub(crate) const fn all(self) -> u64 {
        self.r#continue + self.review + self.block
    }
}

/// Everything that was noted of a drive.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The verdicts.
    pub(crate) verdicts: Verdicts,
    /// From the first connection to the last answer.
    pub(crate) elapsed: Duration,
    took: Vec<Duration>,
}

impl Tally {
    /// Notes an answer.
    pub(super) fn note(&mut self, verdict: Verdict, took: Duration) {
        match verdict {
            Verdict::Continue => self.verdicts.r#continue += 1,
            Verdict::Review => self.verdicts.review += 1,
            Verdict::Block => self.verdicts.block += 1,
        }
        self.took.push(took);
    }

    /// Takes in what was noted of another drive at the same time.
    pub(crate) fn join(&mut self, other: Self) {
        self.verdicts.r#continue += other.verdicts.r#continue;
        self.verdicts.review += other.verdicts.review;
        self.verdicts.block += other.verdicts.block;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.took.extend(other.took);
    }

    /// The time within which `hundredths` of a hundred answers came; zero without answers.
    pub(crate) fn percentile(&self, hundredths: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let rank = (took.len() * hundredths).div_ceil(100).saturating_sub(1);
        took.get(rank).copied().unwrap_or_default()
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        let micros = u32::try_from(self.elapsed.as_micros()).unwrap_or(u32::MAX);
        let answers = u32::try_from(self.verdicts.all()).unwrap_or(u32::MAX);
        if micros == 0 { 0.0 } else { f64::from(answers) * 1e6 / f64::from(micros) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile(99), Duration::ZERO);
        for millis in (1..=200).rev() {
            tally.note(Verdict::Block, Duration::from_millis(millis));
        }
        assert_eq!(tally.percentile(50), Duration::from_millis(100));
        assert_eq!(tally.percentile(99), Duration::from_millis(198));
        assert_eq!(tally.verdicts.all(), 200);
    }
}
