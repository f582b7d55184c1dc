//! The bundle that comes with Doorstep: a place to start from, and what the demo runs on.

/// The shipped files, by name.
pub(crate) fn shipped() -> Vec<(&'static str, &'static str)> {
    vec![
        ("account.yaml", include_str!("../../policies/account.yaml")),
        ("always.yaml", include_str!("../../policies/always.yaml")),
        ("api-keys.yaml", include_str!("../../policies/api-keys.yaml")),
        ("lists/blocked-networks.txt", include_str!("../../policies/lists/blocked-networks.txt")),
        ("lists/frozen-users.txt", include_str!("../../policies/lists/frozen-users.txt")),
        ("password.yaml", include_str!("../../policies/password.yaml")),
        ("payout.yaml", include_str!("../../policies/payout.yaml")),
        ("profile.yaml", include_str!("../../policies/profile.yaml")),
        ("steps.yaml", include_str!("../../policies/steps.yaml")),
        ("transfer.yaml", include_str!("../../policies/transfer.yaml")),
    ]
}

#[cfg(test)]
mod tests;
