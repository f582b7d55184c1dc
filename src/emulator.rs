//! Prelude's side for the demo, development and tests. Shares no code with what it checks.
