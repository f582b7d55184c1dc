//! Policy files: read with their positions, checked whole, compiled into a pure and total matcher.

mod diagnostic;
mod reader;
mod source;
mod suggest;
mod yaml;
