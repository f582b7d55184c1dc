//! What the kernel says of this process: processor time and the most memory that it had.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::fault::{Fault, Outcome, While as _};

/// The processor time of this process so far, user and system, all threads.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The most memory that was resident in this process at any time (`VmHWM`), in KiB, without what is mapped of the program's
/// own file (`RssFile`), of which the system maps more or less as it has it at hand.
///
/// # Errors
/// When `/proc` reads differently.
pub(crate) fn peak_kib() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status").doing("reading peak memory")?;
    let kib = |name: &str| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())
    };
    let own = kib("VmHWM:").zip(kib("RssFile:")).map(|(peak, file)| peak.saturating_sub(file));
    own.ok_or_else(|| Fault::new("reading peak memory: /proc/self/status has another form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        assert!(peak_kib().expect("own status") > 0);
        assert!(processor_time() > Duration::ZERO);
    }
}
