//! encryption_key
