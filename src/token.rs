//! Verification tokens: their claims and their RS256 signature.
