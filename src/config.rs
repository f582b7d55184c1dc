//! Typed settings: file, then environment, then flags; checked once, all faults at once.
