//! The text form that Prometheus had before OpenMetrics, made of the newer one: for whoever does not ask for that
//! (`curl`, `promtool`, older agents).

use std::fmt::Write as _;

/// Writes the older form of an OpenMetrics text: a counter's description has the name of its samples, and there is neither a unit
/// nor an end.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + open_metrics.len() / 16);
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            help = told.split_once(' ').map(|(_, words)| words);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|told| told.split_once(' '))
        {
            let ending = if kind == "counter" { "_total" } else { "" };
            // INVARIANT: writing into a String cannot fail.
            let _ = writeln!(
                text,
                "# HELP {name}{ending} {}\n# TYPE {name}{ending} {kind}",
                help.take().unwrap_or_default()
            );
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_described_by_the_name_of_its_samples() {
        let open = "# HELP a Of a.\n# TYPE a counter\na_total{x=\"#\"} 1\n# HELP b_seconds Of b.\n# TYPE b_seconds histogram\n\
                    # UNIT b_seconds seconds\nb_seconds_bucket{le=\"+Inf\"} 0\n# EOF\n";
        let expected = "# HELP a_total Of a.\n# TYPE a_total counter\na_total{x=\"#\"} 1\n# HELP b_seconds Of b.\n\
                        # TYPE b_seconds histogram\nb_seconds_bucket{le=\"+Inf\"} 0\n";
        assert_eq!(plain(open), expected);
    }
}
