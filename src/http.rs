//! The only room that knows actix.
