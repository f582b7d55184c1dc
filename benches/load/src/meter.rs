//! What the kernel says of a process: processor time and resident memory.

use std::time::Duration;

use crate::fault::{Fault, Outcome, While as _};

/// Clock ticks a second in `/proc`: `USER_HZ`, 100 on every Linux that is in use.
const TICKS_PER_SECOND: u64 = 100;

/// Reads the processor time of a whole process, user and system, with its children that were waited for.
///
/// Resolution: 10 ms.
///
/// # Errors
/// When the process is gone or `/proc` reads differently.
pub(crate) fn processor_time(pid: u32) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).doing("reading processor time")?;
    ticks(&stat)
        .map(|ticks| Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
        .ok_or_else(|| Fault::new("reading processor time: /proc/PID/stat has another form"))
}

/// Reads the processor time of a process and of the children that it has now: a PostgreSQL server's.
///
/// What a child used stays counted when it ends and is waited for, as PostgreSQL does.
///
/// # Errors
/// As [`processor_time`].
pub(crate) fn family_time(pid: u32) -> Outcome<Duration> {
    let mut time = processor_time(pid)?;
    for entry in std::fs::read_dir("/proc").doing("looking for children")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that ended meanwhile is counted by its parent, or next time.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{child}/stat")) else { continue };
        let after_name = stat.rsplit_once(')').map(|(_, after)| after);
        let parent = after_name.and_then(|after| after.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(pid) {
            time += processor_time(child).unwrap_or_default();
        }
    }
    Ok(time)
}

/// Adds utime, stime, cutime and cstime (proc_pid_stat(5), fields 14 to 17).
fn ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in brackets and may hold blanks and brackets itself.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<u64> = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    (fields.len() == 4).then(|| fields.iter().sum())
}

/// Resident memory in KiB.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(crate) struct Resident {
    /// All of it, the program's own text included (`VmRSS`).
    pub(crate) all_kib: u64,
    /// What the process itself allocated (`RssAnon`).
    pub(crate) anonymous_kib: u64,
}

/// Reads how much memory of a process is resident.
///
/// # Errors
/// When the process is gone or `/proc` reads differently.
pub(crate) fn resident(pid: u32) -> Outcome<Resident> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).doing("reading resident memory")?;
    let kib = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())
            .ok_or_else(|| Fault::new("reading resident memory: /proc/PID/status has another form"))
    };
    Ok(Resident { all_kib: kib("VmRSS:")?, anonymous_kib: kib("RssAnon:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 97 0 0 0 11 22 33 44 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(110));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_memory_and_time() {
        assert!(resident(std::process::id()).expect("own status").all_kib > 0);
        assert!(processor_time(std::process::id()).is_ok());
        assert!(processor_time(u32::MAX).is_err());
    }
}
