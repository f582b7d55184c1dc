//! Numbers that look random and are the same in every run with one seed.

/// Where a run's choices come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    /// Starts from a number that the user may choose.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The seed of one thing among many.
    pub(crate) fn at(self, index: usize) -> Self {
        Self(mix(self.0 ^ mix(u64::try_from(index).unwrap_or(u64::MAX))))
    }

    /// 64 bits of this seed.
    pub(crate) const fn narrow(self) -> u64 {
        mix(self.0)
    }

    /// 128 bits of this seed.
    pub(crate) fn wide(self) -> u128 {
        (u128::from(mix(self.0)) << 64) | u128::from(mix(!self.0))
    }
}

/// One step of SplitMix64.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
