//! Figures as Markdown.

use std::fmt;

/// A table whose first column is text and whose others are figures.
pub(crate) struct Table {
    columns: usize,
    text: String,
}

impl Table {
    /// Starts a table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let figures = "--:|".repeat(headings.len().saturating_sub(1));
        Self { columns: headings.len(), text: format!("| {} |\n|---|{figures}\n", headings.join(" | ")) }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        debug_assert_eq!(cells.len(), self.columns);
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The middle figure; 0 of none.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The middle figure, and in brackets the least and the greatest.
pub(crate) fn within(figures: &[f64], digits: usize) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    format!("{:.digits$} ({least:.digits$} – {most:.digits$})", median(figures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_up() {
        assert_eq!(within(&[3.0, 1.0, 2.04], 1), "2.0 (1.0 – 3.0)");
        assert_eq!(median(&[]), 0.0);
    }
}
