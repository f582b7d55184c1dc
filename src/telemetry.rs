//! Where log lines go, and what they never hold.
