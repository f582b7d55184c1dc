//! Where randomness comes from: the one place that asks the system for it.

use std::sync::Arc;

/// The system gave no randomness; nothing was made with less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub(crate) struct NoRandomness;

/// A source of random bytes fit for keys and tokens (ASVS 5.0 11.5.1).
pub(crate) trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`NoRandomness`]; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// A source that can be shared between rooms and threads.
pub(crate) type SharedRandom = Arc<dyn Random>;

/// Draws `N` random bytes.
///
/// # Errors
/// [`NoRandomness`]; there are no bytes then.
pub(crate) fn draw<const N: usize>(random: &dyn Random) -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// Draws twice in one go: what is random costs less than asking for it does.
///
/// # Errors
/// As [`draw`].
pub(crate) fn draw_two<const N: usize, const M: usize>(
    random: &dyn Random,
) -> Result<([u8; N], [u8; M]), NoRandomness> {
    let mut bytes = [[0; N].as_slice(), [0; M].as_slice()].concat();
    random.fill(&mut bytes)?;
    let (first, second) = bytes.split_at(N);
    let whole = first.try_into().ok().zip(second.try_into().ok());
    whole.ok_or(NoRandomness)
}

/// The operating system's generator, through aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }
}
