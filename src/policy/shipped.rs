//! The bundle that comes with Doorstep: a place to start from, and what the demo runs on.

/// The shipped files, by name.
pub(crate) fn shipped() -> Vec<(&'static str, &'static str)> {
    vec![
        ("password.yaml", include_str!("../../policies/password.yaml")),
        ("profile.yaml", include_str!("../../policies/profile.yaml")),
        ("steps.yaml", include_str!("../../policies/steps.yaml")),
        ("transfer.yaml", include_str!("../../policies/transfer.yaml")),
    ]
}

#[cfg(test)]
mod tests;
