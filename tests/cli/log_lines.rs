//! log_lines
