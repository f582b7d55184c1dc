//! What every measure's report is made of.

use std::path::Path;

use crate::fault::{Outcome, While as _};

/// The middle value; the lower of the two middle ones where their number is even.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied()
}

/// The median, and in brackets the lowest and the highest.
pub(crate) fn spread(figures: Vec<f64>, digits: usize) -> String {
    let low = figures.iter().copied().reduce(f64::min);
    let high = figures.iter().copied().reduce(f64::max);
    match (median(figures), low, high) {
        (Some(middle), Some(low), Some(high)) => {
            format!("{middle:.digits$} ({low:.digits$} – {high:.digits$})")
        }
        _ => "–".to_owned(),
    }
}

/// How many cores of which kind, whether they are a machine's own, and with how much memory.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = text.lines().filter(|line| line.starts_with("processor")).count();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let is_virtual = text
        .lines()
        .any(|line| line.starts_with("flags") && line.split(' ').any(|flag| flag == "hypervisor"));
    format!(
        "{count} × {}{}, {} GB of memory",
        model.map_or("unnamed core", |(_, name)| name.trim()),
        if is_virtual { " in a virtual machine" } else { "" },
        memory_gb()
    )
}

fn memory_gb() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(0_u64) * 1_024 / 1_000_000_000
}

/// The system's name and release.
pub(crate) fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", release.trim())
}

/// How many processes wanted to run in the last minute: figures of a machine that does other things are worth less.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The kind of file system under a directory: a store in memory would make durability free.
pub(crate) fn file_system(directory: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let kind = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((Path::new(fields.next()?), fields.next()?))
        })
        .filter(|(point, _)| directory.starts_with(point))
        .max_by_key(|(point, _)| point.components().count());
    kind.map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

/// Writes a measure's section into a file and keeps the other measures' there.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn keep_section(section: &str, file: &Path) -> Outcome<()> {
    let before = std::fs::read_to_string(file).unwrap_or_default();
    std::fs::write(file, with_section(&before, section)).doing("writing the table")
}

/// The text with this section where its heading stands, or, where it does not, after the first section.
fn with_section(before: &str, section: &str) -> String {
    let heading = section.lines().next().unwrap_or_default();
    let mut sections: Vec<&str> = Vec::new();
    let mut rest = before;
    while let Some((one, _)) = rest.split_once("\n# ") {
        let (one, next) = rest.split_at(one.len() + 1);
        sections.push(one);
        rest = next;
    }
    sections.push(rest);
    sections.retain(|one| !one.trim().is_empty());
    let same = |one: &&str| one.lines().next() == Some(heading);
    match sections.iter().position(same) {
        Some(at) => drop(sections.splice(at..=at, [section])),
        None => sections.insert(sections.len().min(1), section),
    }
    let mut text = sections.iter().map(|one| one.trim_end()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_lower_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.0));
    }

    #[test]
    fn a_section_takes_its_own_place_only() {
        let check = |before: &str, section: &str, expected: &str| {
            assert_eq!(with_section(before, section), expected);
        };
        check("", "# A\n\n1\n", "# A\n\n1\n");
        check("# A\n\n1\n\n# B\n\n2\n", "# A\n\n3\n", "# A\n\n3\n\n# B\n\n2\n");
        check("# A\n\n1\n\n# B\n\n2\n", "# B\n\n3\n", "# A\n\n1\n\n# B\n\n3\n");
        check("# A\n\n1\n\n# B\n\n2\n", "# C\n\n3\n", "# A\n\n1\n\n# C\n\n3\n\n# B\n\n2\n");
    }
}
